import { mkdir, mkdtemp, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BackendStats,
  bytesOfGiB,
  type DriverDeps,
  DriverError,
  type DriverErrorKind,
  type VolumeDriver,
  type VolumeRef,
} from '@hearth/driver'

export const volumeOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    folder: { type: 'string', description: 'keeps the bytes beyond close(); a temporary folder when absent' },
    poolName: { type: 'string', default: 'memory' },
    totalGiB: { type: 'number', minimum: 0, default: 1000 },
    reservedPercentage: { type: 'integer', minimum: 0, maximum: 100, default: 0 },
    maxOverSubscriptionRatio: { type: 'number', minimum: 1, default: 20 },
    capabilities: { type: 'object', default: {} },
    delayMs: { type: 'number', minimum: 0, default: 0, description: 'delay of every operation' },
    fail: {
      type: 'object',
      additionalProperties: { type: 'string' },
      default: {},
      description: 'method → kind of the DriverError it throws',
    },
  },
}

interface Options {
  folder?: string
  poolName: string
  totalGiB: number
  reservedPercentage: number
  maxOverSubscriptionRatio: number
  capabilities: Record<string, unknown>
  delayMs: number
  fail: Record<string, DriverErrorKind>
}

const gib = 1024 ** 3
/** Distinguishes two calls that make the same file at the same time. */
let serial = 0

/**
 * Volumes for tests: bytes are really kept, in sparse files of a temporary folder that close() removes. `totalGiB` is
 * refused beyond as a thick backend would; `fail` and `delayMs` make trouble on purpose.
 */
export async function openMemoryVolume(given: Record<string, unknown>, deps: DriverDeps): Promise<VolumeDriver> {
  const options = given as unknown as Options
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'hearth-memory-')))
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name), { force: true })
  const backend: Backend = { options, folder, run: deps.run, promised: new Map() }
  return { ...volumes(backend), ...copies(backend), ...queries(backend), ...takeovers(backend) }
}

interface Backend {
  options: Options
  folder: string
  run: DriverDeps['run']
  /** Bytes promised to files that are being made. */
  promised: Map<string, number>
}

function volumes(backend: Backend): Pick<VolumeDriver, 'create' | 'delete' | 'extend'> {
  return {
    async create(volume, signal) {
      await trouble(backend, 'create', signal)
      await make(backend, volume, async (partial) => (await open(partial, 'w')).close())
      return undefined
    },
    async delete(volume, signal) {
      await trouble(backend, 'delete', signal)
      await rm(pathOf(backend, volume.name), { force: true })
    },
    async extend(volume, newSizeGiB, signal) {
      await trouble(backend, 'extend', signal)
      const path = pathOf(backend, volume.name)
      const size = await sizeOf(path)
      if (size === null) throw new DriverError('not-found', `There is no volume ${volume.name}`)
      const wanted = bytesOfGiB(newSizeGiB, volume.name)
      if (wanted > size) {
        await ensureRoom(backend, volume.name, wanted - size)
        await truncate(path, wanted)
      }
    },
  }
}

function copies(
  backend: Backend,
): Pick<VolumeDriver, 'snapshot' | 'deleteSnapshot' | 'createFromSnapshot' | 'clone' | 'revert'> {
  return {
    async snapshot(snapshot, signal) {
      await trouble(backend, 'snapshot', signal)
      const sizeBytes = (await sizeOf(pathOf(backend, snapshot.volume.name))) ?? 0
      const sizeGiB = Math.max(1, Math.ceil(sizeBytes / gib))
      await copy(backend, { ...snapshot.volume, name: snapshot.name, sizeGiB }, snapshot.volume.name, signal)
      return undefined
    },
    async deleteSnapshot(snapshot, signal) {
      await trouble(backend, 'deleteSnapshot', signal)
      await rm(pathOf(backend, snapshot.name), { force: true })
    },
    async createFromSnapshot(volume, source, signal) {
      await trouble(backend, 'createFromSnapshot', signal)
      await copy(backend, volume, source.name, signal)
      return undefined
    },
    async clone(volume, source, signal) {
      await trouble(backend, 'clone', signal)
      await copy(backend, volume, source.name, signal)
      return undefined
    },
    async revert(snapshot, signal) {
      await trouble(backend, 'revert', signal)
      const target = pathOf(backend, snapshot.volume.name)
      const before = await sizeOf(target)
      const source = pathOf(backend, snapshot.name)
      if ((await sizeOf(source)) === null) throw new DriverError('not-found', `There is no ${snapshot.name}`)
      const partial = `${target}.${serial++}.part`
      await copyBytes(backend, source, partial, signal)
      await truncate(partial, before ?? snapshot.volume.sizeGiB * gib)
      await rename(partial, target)
    },
  }
}

function queries(
  backend: Backend,
): Pick<VolumeDriver, 'stats' | 'connection' | 'address' | 'snapshotAddress' | 'list' | 'close'> {
  const { options, folder } = backend
  const existing = async (name: string) => {
    const path = pathOf(backend, name)
    const sizeBytes = await sizeOf(path)
    if (sizeBytes === null) throw new DriverError('not-found', `There is no ${name}`)
    return { path, sizeBytes }
  }
  return {
    async stats() {
      await trouble(backend, 'stats')
      return statsOf(options, (await usedBytes(backend)) / gib)
    },
    async connection(volume) {
      await trouble(backend, 'connection')
      return { kind: 'device', ...(await existing(volume.name)), blockSize: 512 }
    },
    async address(volume) {
      return { filename: (await existing(volume.name)).path, format: 'raw' }
    },
    async snapshotAddress(snapshot) {
      return { filename: (await existing(snapshot.name)).path, format: 'raw' }
    },
    async list() {
      const names = (await readdir(folder)).filter((name) => !name.endsWith('.part')).sort()
      return { volumes: names.filter((name) => !isSnapshot(name)), snapshots: names.filter(isSnapshot) }
    },
    async close() {
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

function takeovers(backend: Backend): Pick<VolumeDriver, 'manageable' | 'manage' | 'manageSnapshot'> {
  const take = async (from: string, to: string): Promise<undefined> => {
    const [source, target] = [pathOf(backend, from), pathOf(backend, to)]
    const [before, after] = [await sizeOf(source), await sizeOf(target)]
    if (before !== null && after !== null) throw new DriverError('invalid', `${to} is there already`)
    if (before === null && after === null) throw new DriverError('not-found', `There is no ${from}`)
    if (before !== null) await rename(source, target)
  }
  return {
    async manageable() {
      const names = (await readdir(backend.folder)).filter((name) => !name.endsWith('.part')).sort()
      const sizes = await Promise.all(names.map((name) => sizeOf(join(backend.folder, name))))
      return names.map((name, i) => ({
        kind: isSnapshot(name) ? 'snapshot' : 'volume',
        name,
        sizeGiB: Math.ceil((sizes[i] ?? 0) / gib),
      }))
    },
    manage: (volume, reference) => take(reference.name, volume.name),
    manageSnapshot: (snapshot, reference) => take(reference.name, snapshot.name),
  }
}

function isSnapshot(name: string): boolean {
  return name.startsWith('snapshot-')
}

function statsOf(options: Options, usedGiB: number): BackendStats {
  return {
    vendorName: 'Open Source',
    driverVersion: '1.0',
    storageProtocol: 'iSCSI',
    pools: [
      {
        poolName: options.poolName,
        totalCapacityGb: options.totalGiB,
        freeCapacityGb: Math.max(0, options.totalGiB - usedGiB),
        provisionedCapacityGb: usedGiB,
        reservedPercentage: options.reservedPercentage,
        maxOverSubscriptionRatio: options.maxOverSubscriptionRatio,
        thinProvisioning: false,
        thickProvisioning: true,
        multiattach: true,
        onlineExtend: true,
        qosSupport: false,
        capabilities: options.capabilities,
      },
    ],
  }
}

async function trouble(backend: Backend, method: string, signal?: AbortSignal): Promise<void> {
  const { delayMs, fail } = backend.options
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
  const kind = fail[method]
  if (kind) throw new DriverError(kind, `${method} fails, as it was told to`)
  if (signal?.aborted) throw new DriverError('aborted', `${method} was aborted`)
}

/** Makes the volume's file by `fill` under another name, so that it is there whole or not at all. */
async function make(backend: Backend, volume: VolumeRef, fill: (partial: string) => Promise<void>): Promise<void> {
  const path = pathOf(backend, volume.name)
  const sizeBytes = bytesOfGiB(volume.sizeGiB, volume.name)
  const present = await sizeOf(path)
  if (present !== null && present >= sizeBytes) return
  const partial = `${path}.${serial++}.part`
  backend.promised.set(partial, sizeBytes)
  try {
    await ensureRoom(backend, volume.name, 0)
    await fill(partial)
    await truncate(partial, sizeBytes)
    await rename(partial, path)
  } finally {
    backend.promised.delete(partial)
    await rm(partial, { force: true })
  }
}

async function copy(backend: Backend, volume: VolumeRef, source: string, signal?: AbortSignal): Promise<void> {
  const from = pathOf(backend, source)
  const size = await sizeOf(from)
  if (size === null) throw new DriverError('not-found', `There is no ${source}`)
  if (size > bytesOfGiB(volume.sizeGiB, volume.name)) {
    throw new DriverError('invalid', `${volume.name} of ${volume.sizeGiB} GiB cannot hold ${source}`)
  }
  await make(backend, volume, (partial) => copyBytes(backend, from, partial, signal))
}

async function copyBytes(backend: Backend, from: string, to: string, signal?: AbortSignal): Promise<void> {
  await backend.run(['cp', '--sparse=always', '--reflink=auto', '--', from, to], signal ? { signal } : {})
}

async function ensureRoom(backend: Backend, name: string, bytes: number): Promise<void> {
  const { totalGiB } = backend.options
  const used = (await usedBytes(backend)) + bytes
  if (used > totalGiB * gib) throw new DriverError('no-space', `No room for ${name} in ${totalGiB} GiB`)
}

async function usedBytes(backend: Backend): Promise<number> {
  const names = (await readdir(backend.folder)).filter((name) => !name.endsWith('.part'))
  const sizes = await Promise.all(names.map((name) => sizeOf(join(backend.folder, name))))
  const promised = [...backend.promised.values()]
  return [...sizes, ...promised].reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.size,
    () => null,
  )
}

function pathOf(backend: Backend, name: string): string {
  if (!/^[A-Za-z0-9][\w.-]{0,254}$/.test(name) || name.endsWith('.part')) {
    throw new DriverError('invalid', `"${name}" cannot name a volume`)
  }
  return join(backend.folder, name)
}
