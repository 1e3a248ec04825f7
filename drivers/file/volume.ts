import { open, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  type BackendStats,
  bytesOfGiB,
  type DriverDeps,
  DriverError,
  type Exclusive,
  openExclusive,
  openReserve,
  type Reserve,
  type SnapshotRef,
  type VolumeDriver,
  type VolumeRef,
} from '@hearth/driver'
import { type Folder, mapError, mapped, openFolder, whileThere } from './folder.ts'
import { prepareFolder, releaseFolder } from './loop.ts'
import { hasReflink, openCopier } from './reflink.ts'

export const volumeOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['folder'],
  properties: {
    folder: { type: 'string', minLength: 1 },
    imageFile: {
      type: 'string',
      description: 'an XFS image, mounted at the folder when its filesystem cannot share blocks and we are root',
    },
    imageSizeGiB: {
      type: 'number',
      minimum: 1,
      description: 'size of the XFS image; 80 % of the free space when absent; growing it grows the filesystem',
    },
    poolName: { type: 'string', default: 'file' },
    reservedPercentage: { type: 'integer', minimum: 0, maximum: 100, default: 0 },
    maxOverSubscriptionRatio: { type: 'number', minimum: 1, default: 20 },
    capabilities: { type: 'object', default: {} },
  },
}

interface Options {
  folder: string
  imageFile?: string
  imageSizeGiB?: number
  poolName: string
  reservedPercentage: number
  maxOverSubscriptionRatio: number
  capabilities: Record<string, unknown>
}

interface Backend {
  options: Options
  folder: Folder
  reflink: boolean
  /** The image file is mounted at the folder. */
  mounted: boolean
  copy: ReturnType<typeof openCopier>
  exclusive: Exclusive
  reserve: Reserve
}

const gib = 1024 ** 3
/** Below this much free space even a sparse file is refused: its metadata might not fit. */
const leastFree = 1024 ** 2

/**
 * Volumes and snapshots as sparse raw files `volume-…` and `snapshot-…` of one folder. Copies share blocks where the
 * filesystem can and are independent files everywhere, so nothing is ever `busy`.
 */
export async function openFileVolume(given: Record<string, unknown>, deps: DriverDeps): Promise<VolumeDriver> {
  const options = given as unknown as Options
  const prepared = options.imageFile
    ? await prepareFolder({
        folder: options.folder,
        imageFile: options.imageFile,
        ...(options.imageSizeGiB ? { sizeBytes: Math.floor(options.imageSizeGiB * gib) } : {}),
        run: deps.run,
      })
    : null
  const folder = await openFolder(options.folder)
  const reflink = prepared?.reflink ?? (await hasReflink(options.folder))
  if (!reflink) {
    const why = prepared?.reason ?? 'its filesystem cannot share blocks'
    deps.log.warn({ folder: options.folder, why }, 'clones and snapshots copy their bytes')
  }
  const mounted = prepared?.mounted ?? false
  const copy = openCopier(deps.run, reflink)
  const backend: Backend = {
    options,
    folder,
    reflink,
    mounted,
    copy,
    exclusive: openExclusive(),
    reserve: deps.reserve ?? openReserve(),
  }
  return {
    ...whileThere(folder, { ...volumes(backend), ...snapshots(backend), ...queries(backend), ...takeovers(folder) }),
    async close() {
      if (mounted) await releaseFolder({ folder: options.folder, run: deps.run })
    },
  }
}

function volumes(backend: Backend): Pick<VolumeDriver, 'create' | 'delete' | 'extend' | 'clone'> {
  const { folder, exclusive } = backend
  return {
    create: (volume, signal) =>
      exclusive(volume.name, async () => {
        await make(backend, volume, signal, async (partial) => (await open(partial, 'wx', 0o600)).close())
        return undefined
      }),
    delete: (volume) => exclusive(volume.name, () => folder.remove(volume.name)),
    extend: (volume, newSizeGiB) =>
      exclusive(volume.name, () => grow(backend, volume.name, bytesOfGiB(newSizeGiB, volume.name))),
    clone: (volume, source, signal) =>
      exclusive(volume.name, async () => {
        await copyFrom(backend, volume, source.name, signal)
        return undefined
      }),
  }
}

function snapshots(
  backend: Backend,
): Pick<VolumeDriver, 'snapshot' | 'deleteSnapshot' | 'createFromSnapshot' | 'revert'> {
  const { folder, exclusive } = backend
  return {
    snapshot: (snapshot, signal) =>
      exclusive(snapshot.name, async () => {
        if ((await sizeOf(folder, snapshot.name)) !== null) return undefined
        await ensureRoom(backend, snapshot.name)
        const source = await existing(folder, snapshot.volume.name)
        await folder.make(snapshot.name, (partial) => backend.copy(source.path, partial, signal))
        return undefined
      }),
    deleteSnapshot: (snapshot) => exclusive(snapshot.name, () => folder.remove(snapshot.name)),
    createFromSnapshot: (volume, source, signal) =>
      exclusive(volume.name, async () => {
        await copyFrom(backend, volume, source.name, signal)
        return undefined
      }),
    revert: (snapshot, signal) => exclusive(snapshot.volume.name, () => revert(backend, snapshot, signal)),
  }
}

function queries(
  backend: Backend,
): Pick<VolumeDriver, 'stats' | 'connection' | 'address' | 'snapshotAddress' | 'list'> {
  const { folder } = backend
  return {
    stats: () => statsOf(backend),
    async connection(volume) {
      const { path, sizeBytes } = await existing(folder, volume.name)
      return { kind: 'device', path, sizeBytes, blockSize: 512 }
    },
    async address(volume) {
      return { filename: (await existing(folder, volume.name)).path, format: 'raw' }
    },
    async snapshotAddress(snapshot) {
      return { filename: (await existing(folder, snapshot.name)).path, format: 'raw' }
    },
    async list() {
      const names = await folder.names()
      return { volumes: names.filter((name) => !isSnapshot(name)), snapshots: names.filter(isSnapshot) }
    },
  }
}

function takeovers(folder: Folder): Pick<VolumeDriver, 'manageable' | 'manage' | 'manageSnapshot'> {
  return {
    async manageable() {
      const names = await folder.names()
      const sizes = await Promise.all(names.map((name) => sizeOf(folder, name)))
      return names.flatMap((name, i) => {
        const size = sizes[i]
        if (!size) return []
        return [{ kind: isSnapshot(name) ? 'snapshot' : 'volume', name, sizeGiB: Math.ceil(size / gib) } as const]
      })
    },
    async manage(volume, reference) {
      await folder.rename(reference.name, volume.name)
      // A volume has whole GiB; an operator's file need not.
      const { path, sizeBytes } = await existing(folder, volume.name)
      const whole = Math.ceil(sizeBytes / gib) * gib
      if (sizeBytes !== whole) await resize(path, whole)
      return undefined
    },
    async manageSnapshot(snapshot, reference) {
      await folder.rename(reference.name, snapshot.name)
      return undefined
    },
  }
}

function isSnapshot(name: string): boolean {
  return name.startsWith('snapshot-')
}

/** Makes a volume's file by `fill`, unless it is there already: a whole file of that name is the finished volume. */
async function make(
  backend: Backend,
  volume: VolumeRef,
  signal: AbortSignal | undefined,
  fill: (partial: string) => Promise<void>,
): Promise<void> {
  const sizeBytes = bytesOfGiB(volume.sizeGiB, volume.name)
  const present = await sizeOf(backend.folder, volume.name)
  if (present !== null && present >= sizeBytes) return
  if (present !== null) throw new DriverError('invalid', `${volume.name} is there already with ${present} bytes`)
  stopIfAborted(signal, volume.name)
  await ensureRoom(backend, volume.name)
  await backend.folder.make(volume.name, async (partial) => {
    await fill(partial)
    await resize(partial, sizeBytes)
    stopIfAborted(signal, volume.name)
  })
}

async function copyFrom(
  backend: Backend,
  volume: VolumeRef,
  sourceName: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await sizeOf(backend.folder, volume.name)) === null) {
    const source = await existing(backend.folder, sourceName)
    if (source.sizeBytes > bytesOfGiB(volume.sizeGiB, volume.name)) {
      throw new DriverError('invalid', `${volume.name} of ${volume.sizeGiB} GiB cannot hold ${sourceName}`)
    }
  }
  const path = backend.folder.pathOf(sourceName)
  await make(backend, volume, signal, (partial) => backend.copy(path, partial, signal))
}

async function revert(backend: Backend, snapshot: SnapshotRef, signal: AbortSignal | undefined): Promise<void> {
  const { folder } = backend
  const source = await existing(folder, snapshot.name)
  const size = (await sizeOf(folder, snapshot.volume.name)) ?? snapshot.volume.sizeGiB * gib
  await ensureRoom(backend, snapshot.volume.name)
  await folder.make(snapshot.volume.name, async (partial) => {
    await backend.copy(source.path, partial, signal)
    await resize(partial, Math.max(size, source.sizeBytes))
    stopIfAborted(signal, snapshot.volume.name)
  })
}

async function grow(backend: Backend, name: string, sizeBytes: number): Promise<void> {
  const { path, sizeBytes: present } = await existing(backend.folder, name)
  if (present >= sizeBytes) return
  await ensureRoom(backend, name)
  await resize(path, sizeBytes)
}

async function resize(path: string, sizeBytes: number): Promise<void> {
  const file = await mapped(open(path, 'r+'))
  try {
    await file.truncate(sizeBytes)
    await file.sync()
  } catch (error) {
    throw mapError(error)
  } finally {
    await file.close()
  }
}

async function existing(folder: Folder, name: string): Promise<{ path: string; sizeBytes: number }> {
  const sizeBytes = await sizeOf(folder, name)
  if (sizeBytes === null) throw new DriverError('not-found', `There is no ${name}`)
  return { path: folder.pathOf(name), sizeBytes }
}

async function sizeOf(folder: Folder, name: string): Promise<number | null> {
  try {
    return (await stat(folder.pathOf(name))).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw mapError(error)
  }
}

/** Throws `no-space` when the pool cannot take even an empty file beyond its reserve. */
async function ensureRoom(backend: Backend, name: string): Promise<void> {
  const { total, free } = await capacity(backend)
  const kept = Math.max(leastFree, (total * backend.options.reservedPercentage) / 100)
  if (free < kept) throw new DriverError('no-space', `No room for ${name}: ${free} bytes are free, ${kept} are kept`)
}

/** Bytes of the pool. A sparse image cannot give more than its host filesystem still has; the reserve is not free. */
async function capacity(backend: Backend): Promise<{ total: number; free: number }> {
  const { blocks, bavail, bsize } = await mapped(statfs(backend.folder.path))
  const { imageFile } = backend.options
  const within = backend.mounted && imageFile ? dirname(imageFile) : backend.folder.path
  const room = Math.max(0, await mapped(backend.reserve.room(within)))
  return { total: blocks * bsize, free: Math.min(bavail * bsize, room) }
}

async function statsOf(backend: Backend): Promise<BackendStats> {
  const { options, folder } = backend
  const { total, free } = await capacity(backend)
  const sizes = await Promise.all((await folder.names()).map((name) => sizeOf(folder, name)))
  const provisioned = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
  const inGiB = (bytes: number) => Math.round((bytes / gib) * 100) / 100
  return {
    vendorName: 'Open Source',
    driverVersion: '1.0',
    storageProtocol: 'iSCSI',
    pools: [
      {
        poolName: options.poolName,
        totalCapacityGb: inGiB(total),
        freeCapacityGb: inGiB(free),
        provisionedCapacityGb: inGiB(provisioned),
        reservedPercentage: options.reservedPercentage,
        maxOverSubscriptionRatio: options.maxOverSubscriptionRatio,
        thinProvisioning: true,
        thickProvisioning: false,
        multiattach: true,
        onlineExtend: true,
        qosSupport: false,
        capabilities: { sparse_copy_volume: true, ...options.capabilities },
      },
    ],
  }
}

function stopIfAborted(signal: AbortSignal | undefined, name: string): void {
  if (signal?.aborted) throw new DriverError('aborted', `Making ${name} was aborted`)
}
