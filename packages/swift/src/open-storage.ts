import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate, Logger } from '@hearth/core'
import {
  activeDevices,
  addDevice,
  type Builder,
  createBuilder,
  type Device,
  type HashSalt,
  loadBuilder,
  openRing,
  readRing,
  rebalance,
  removeDevice,
  ringOf,
  saveBuilder,
  setWeight,
  writeRing,
} from '@hearth/ring'
import { type Cluster, openCluster, type Rings } from './placement/cluster.ts'
import { localNode } from './placement/local-node.ts'
import { type Node, nodeKey } from './placement/node.ts'
import { offlineNode } from './placement/offline-node.ts'
import { openSecureDispatcher, remoteNode } from './placement/remote-node.ts'
import { type Engine, openEngine } from './storage/engine.ts'

export interface StorageDevice {
  /** Name of the device, as in the ring. */
  id: string
  /** Folder on this host. */
  path: string
  /** Each device is its own zone when absent. */
  zone?: number
  /** 100 when absent. */
  weight?: number
}

export interface StorageOptions {
  /** The devices of this process. */
  devices: StorageDevice[]
  /** Where the rings and the salt of the hashes are kept. */
  dataFolder: string
  /** 3 when absent. */
  replicas?: number
  /** 10 when absent: 1024 partitions. */
  partPower?: number
  /** Ring files of a cluster of several hosts; without them a ring is made of `devices`. */
  rings?: { account: string; container: string; object: string }
  /** Where the storage role of this host listens, as the ring files name it. */
  address?: { ip: string; port: number }
  /** Shared by all hosts of a cluster; made and kept in the data folder when absent. */
  salt?: HashSalt
  /** Shared by all hosts; storage roles refuse who does not know it. */
  secret?: string
  /** Speaks TLS with all other hosts; plain HTTP when absent. */
  certificate?: Certificate | undefined
  /** Bytes of each disk that no object may fill; 1 % but at least 32 MiB when absent. */
  reserve?: number
  log: Logger
}

/** The devices of this process and the way to all others. */
export interface Storage {
  cluster: Cluster
  /** Devices of this process. */
  local: Node[]
  engines: Map<string, Engine>
  /** Changes when data has to move. */
  ringVersion: string
  secret: string
  certificate: Certificate | undefined
  close(): Promise<void>
}

const loopback = { ip: '127.0.0.1', port: 6200 }

/**
 * Opens the devices, loading the rings or making them. A device that cannot be opened is left out, unless it is the only one.
 * Throws RingError when there are fewer devices than replicas, naming both numbers.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { dataFolder, devices, log, secret = '', address = loopback } = options
  await mkdir(join(dataFolder, 'rings'), { recursive: true })
  const salt = options.salt ?? (await loadSalt(dataFolder))
  const rings = options.rings ? await loadRings(options.rings) : await makeRings(options)
  const engines = new Map<string, Engine>()
  const nodes = new Map<string, Node>()
  const reserve = options.reserve === undefined ? {} : { reserve: options.reserve }
  const opening = devices.map((device) => openEngine({ folder: device.path, log, ...reserve }))
  const results = await Promise.allSettled(opening)
  results.forEach((result, index) => {
    const { id, path } = devices[index]!
    const key = nodeKey({ ...address, device: id })
    if (result.status === 'rejected') {
      log.error({ err: result.reason, device: id, path }, 'a device cannot be opened; the others serve without it')
      nodes.set(key, offlineNode(key, String(result.reason)))
      return
    }
    engines.set(id, result.value)
    nodes.set(key, localNode(key, result.value))
  })
  const failed = results.find((result) => result.status === 'rejected')
  if (failed && engines.size === 0) throw failed.reason
  const local = [...nodes.values()].filter((node) => node.local)
  const secure = options.certificate && openSecureDispatcher(options.certificate)
  for (const device of allDevices(rings)) {
    const key = nodeKey(device)
    if (!nodes.has(key)) nodes.set(key, remoteNode(device, secret, secure))
  }
  return {
    cluster: openCluster(salt, rings, nodes),
    local,
    engines,
    ringVersion: versionOf(rings),
    secret,
    certificate: options.certificate,
    async close() {
      await secure?.destroy()
      await Promise.all([...engines.values()].map((engine) => engine.close()))
    },
  }
}

const allDevices = (rings: Rings): Device[] =>
  [rings.account, rings.container, rings.object].flatMap((ring) =>
    ring.data.devices.filter((device) => device !== null),
  )

const versionOf = (rings: Rings) =>
  [rings.account, rings.container, rings.object].map((ring) => ring.data.version ?? 0).join('.')

async function loadRings(files: NonNullable<StorageOptions['rings']>): Promise<Rings> {
  const [account, container, object] = await Promise.all([
    readRing(files.account),
    readRing(files.container),
    readRing(files.object),
  ])
  return { account: openRing(account), container: openRing(container), object: openRing(object) }
}

async function loadSalt(dataFolder: string): Promise<HashSalt> {
  const path = join(dataFolder, 'rings', 'salt.json')
  const found = await readFile(path, 'utf8').catch(() => null)
  if (found !== null) return JSON.parse(found) as HashSalt
  const salt: HashSalt = { prefix: '', suffix: randomBytes(16).toString('hex') }
  await writeFile(path, JSON.stringify(salt), { mode: 0o600, flush: true })
  return salt
}

/** Loads the embedded ring, and brings it up to date when devices came, went or changed their weight. */
async function makeRings(options: StorageOptions): Promise<Rings> {
  const { dataFolder, partPower = 10, replicas = 3 } = options
  const path = join(dataFolder, 'rings', 'builder.json')
  const exists = await readFile(path).catch(() => null)
  const builder = exists ? await loadBuilder(path) : createBuilder({ partPower, replicas, minPartHours: 0 })
  const changed = matchDevices(builder, options) || builder.replicas !== replicas || builder.assignment.length === 0
  if (changed) {
    builder.replicas = replicas
    rebalance(builder, { seed: 'embedded' })
    await saveBuilder(path, builder)
    await writeRing(join(dataFolder, 'rings', 'object.ring.gz'), ringOf(builder))
  }
  const ring = openRing(ringOf(builder))
  return { account: ring, container: ring, object: ring }
}

function matchDevices(builder: Builder, { devices, address = loopback }: StorageOptions): boolean {
  const version = builder.version
  for (const known of activeDevices(builder)) {
    const wanted = devices.find((device) => device.id === known.device)
    if (!wanted) removeDevice(builder, known.id)
    else if ((wanted.weight ?? 100) !== known.weight) setWeight(builder, known.id, wanted.weight ?? 100)
  }
  const names = new Set(activeDevices(builder).map((device) => device.device))
  devices.forEach((device, index) => {
    if (names.has(device.id)) return
    addDevice(builder, { zone: device.zone ?? index + 1, ...address, device: device.id, weight: device.weight ?? 100 })
  })
  return builder.version !== version
}
