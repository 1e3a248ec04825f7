import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificate, hasCode, type Logger } from '@hearth/core'
import {
  activeDevices,
  addDevice,
  type Builder,
  createBuilder,
  type HashSalt,
  loadBuilder,
  openRing,
  type Device as RingDevice,
  readRing,
  rebalance,
  removeDevice,
  ringOf,
  saveBuilder,
  setWeight,
  writeRing,
} from '@hearth/ring'
import { openTimestamps, type TimestampSource } from '../model/timestamps.ts'
import { type Device, openDevice } from '../storage/device/device.ts'
import { localNode } from '../storage/network/local-node.ts'
import { type Node, nodeKey } from '../storage/network/node.ts'
import { later, never } from '../storage/time.ts'
import { type Cluster, openCluster, type Rings } from './cluster.ts'
import { openRemote } from './remote-node.ts'

interface StorageDevice {
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
  /** The devices of this host. */
  devices: StorageDevice[]
  /** False for a process that reaches the devices of its own host through their owner, which runs the storage role. */
  ownsDevices?: boolean
  /** Folder of the rings and of the records about devices. */
  dataFolder: string
  /** 3 when absent. */
  replicas?: number
  /** 10 when absent: 1024 partitions. */
  partPower?: number
  /** Ring files of a cluster of several hosts; without them a ring is made of `devices`. */
  rings?: { account: string; container: string; object: string }
  /** Where the storage role of this host listens, as the ring files name it. */
  address?: { ip: string; port: number }
  /** Places objects; the same on all hosts of a cluster, for ever. */
  salt: HashSalt
  /** Signs the requests between hosts; never empty. */
  secret: string
  /** Speaks TLS with all other hosts; plain HTTP when absent. */
  certificate?: Certificate | undefined
  /** Bytes of each disk that no object may fill; 1 % but at least 32 MiB when absent. */
  reserve?: number
  /** Milliseconds between looks at a device: whether it is there, and what an operator asks for it; 5 s when absent. */
  lookEvery?: number
  /** Milliseconds since 1970; tests pass their own. */
  clock?: () => number
  log: Logger
}

/** The devices of this host and the way to all others. */
export interface Storage {
  cluster: Cluster
  /** Devices of this host. */
  local: Node[]
  /** Those that this process has opened. */
  devices: Map<string, Device>
  /** Changes when data has to move. */
  ringVersion: string
  /** Never below what a device holds already, whatever the clock says. */
  timestamps: TimestampSource
  /** The latest timestamp seen anywhere. */
  latest(): string
  secret: string
  /** Fingerprint of the cluster: hosts of another one are refused. */
  identity: string
  certificate: Certificate | undefined
  close(): Promise<void>
}

const loopback = { ip: '127.0.0.1', port: 6200 }

/**
 * Opens the devices, and loads or makes the rings. A device that cannot be opened is left out and tried again; throws
 * its error when there is no other device or another process has it. Throws RingError with both numbers when there are
 * fewer devices than replicas.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { dataFolder, log, salt, secret, certificate, address = loopback, ownsDevices = true } = options
  await mkdir(join(dataFolder, 'rings'), { recursive: true, mode: 0o700 })
  const rings = options.rings ? await loadRings(options.rings) : await makeRings(options)
  const identity = fingerprintOf(salt)
  const devices = new Map<string, Device>()
  if (ownsDevices) await openDevices(options, identity, devices)
  let seen = never
  const remote = openRemote({
    ...{ secret, cluster: identity, log, certificate },
    observe(timestamp) {
      seen = later(seen, timestamp)
    },
  })
  const latest = () => [...devices.values()].reduce((time, device) => later(time, device.latest()), seen)
  const nodes = new Map<string, Node>()
  for (const [id, device] of devices) {
    const key = nodeKey({ ...address, device: id })
    nodes.set(key, localNode(key, device))
  }
  for (const device of allDevices(rings)) {
    const key = nodeKey(device)
    if (!nodes.has(key)) nodes.set(key, remote.node(device))
  }
  const own = options.devices.map(({ id }) => nodes.get(nodeKey({ ...address, device: id })))
  return {
    ...{ devices, latest, secret, identity, certificate },
    cluster: openCluster(salt, rings, nodes),
    local: own.filter((node) => node !== undefined),
    ringVersion: versionOf(rings),
    timestamps: openTimestamps(options.clock, latest),
    async close() {
      await Promise.all([...devices.values()].map((device) => device.close()))
      await remote.close()
    },
  }
}

/** Opens what can be opened. Throws the reason when nothing can, or when another process has one of them. */
async function openDevices(options: StorageOptions, cluster: string, devices: Map<string, Device>): Promise<void> {
  const { log, reserve, lookEvery } = options
  const records = recordsOf(options.dataFolder)
  const more = { ...(reserve === undefined ? {} : { reserve }), ...(lookEvery === undefined ? {} : { lookEvery }) }
  const opened = await Promise.all(
    options.devices.map(({ id, path }) => openDevice({ id, folder: path, records, cluster, log, ...more })),
  )
  for (const device of opened) devices.set(device.id, device)
  const failures = opened.map((device) => device.failure()).filter((failure) => failure !== null)
  const locked = failures.find((failure) => hasCode(failure, 'Locked'))
  const noneIsOpen = opened.length > 0 && opened.every((device) => device.state().reason !== null)
  if (!locked && !(noneIsOpen && failures.length > 0)) return
  await Promise.all(opened.map((device) => device.close()))
  throw locked ?? failures[0]
}

/** Where a host keeps which devices it has seen, and what operators ask of them. */
export const recordsOf = (dataFolder: string): string => join(dataFolder, 'rings', 'devices')

/** Returns an identifier of the cluster: a digest of the salt, which does not reveal it. */
const fingerprintOf = ({ prefix, suffix }: HashSalt): string =>
  createHash('sha256')
    .update(JSON.stringify(['hash salt', prefix, suffix]))
    .digest('hex')
    .slice(0, 16)

const allDevices = (rings: Rings): RingDevice[] =>
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

/** Loads the embedded ring, and brings it up to date when devices came, went or changed their weight. */
async function makeRings(options: StorageOptions): Promise<Rings> {
  const { dataFolder, partPower = 10, replicas = 3, ownsDevices = true } = options
  const path = join(dataFolder, 'rings', 'builder.json')
  const exists = await readFile(path).catch(() => null)
  const builder = exists ? await loadBuilder(path) : createBuilder({ partPower, replicas, minPartHours: 0 })
  const changed = matchDevices(builder, options) || builder.replicas !== replicas || builder.assignment.length === 0
  if (changed) {
    builder.replicas = replicas
    rebalance(builder, { seed: 'embedded' })
    // The process that has the devices writes the rings; other processes of the host compute the same ones.
    if (ownsDevices) await saveRing(dataFolder, path, builder)
  }
  const ring = openRing(ringOf(builder))
  return { account: ring, container: ring, object: ring }
}

async function saveRing(dataFolder: string, path: string, builder: Builder): Promise<void> {
  const ring = join(dataFolder, 'rings', 'object.ring.gz')
  await saveBuilder(path, builder)
  await writeRing(ring, ringOf(builder))
  for (const file of [path, ring]) await chmod(file, 0o600)
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
