import {
  type DriverDeps,
  DriverError,
  openExclusive,
  type SnapshotRef,
  type VolumeDriver,
  type VolumeRef,
} from '@hearth/driver'
import { adoptionMethods } from './adopt.ts'
import { type Backend, getFinished, gib, pathOf } from './backend.ts'
import { stopIfAborted } from './failures.ts'
import { believedMs, openGroup, volumeIn } from './group.ts'
import type { LogicalVolume } from './lvm.ts'
import { isSnapshotName, logicalName, plainName } from './names.ts'
import type { Options } from './options.ts'
import { ensurePool, openPoolWatch, type PoolWatch } from './pool.ts'
import { getActiveVolume, getPair, getVolume, recover, recoverAll } from './recovery.ts'
import { statsOf } from './stats.ts'
import { markOf, marksOf, newOwner, volumeOfSnapshot } from './tags.ts'
import {
  copyVolume,
  createThick,
  growThick,
  removeThick,
  revertThick,
  snapshotLost,
  snapshotsOn,
  snapshotThick,
} from './thick.ts'
import { cloneThin, createThin, growThin, removeThin, revertThin, snapshotThin } from './thin.ts'

/** LVM's largest volume, 8 EiB, minus one GiB because of rounding. */
const largestGiB = 8 * 1024 ** 3 - 1

/**
 * Opens a driver whose volumes and snapshots are logical volumes of one group, named as in upstream Cinder. The options
 * decide whether new volumes are thin; later operations look at the volume itself, so a group may contain both kinds.
 */
export async function openLvmVolume(given: Record<string, unknown>, deps: DriverDeps): Promise<VolumeDriver> {
  const options = given as unknown as Options
  const pool = options.poolName ?? `${options.volumeGroup}-pool`
  let watch: PoolWatch | undefined
  const group = openGroup(options.volumeGroup, deps.run, (report) => watch?.check(report))
  const [report, { stdout }] = await Promise.all([
    group.report(),
    deps.run(['sh', '-c', 'uname -n; lvm segtypes 2>/dev/null']),
  ])
  const [host, ...types] = stdout.trim().split(/\s+/) as [string, ...string[]]
  const canBeThin = types.includes('thin-pool')
  const poolFound = volumeIn(report, pool)?.kind === 'pool'
  const thin =
    options.type === 'thin' || (options.type === 'auto' && canBeThin && (poolFound || report.volumes.length === 0))
  if (thin && !canBeThin) {
    throw new DriverError('unsupported', 'LVM of the storage host has no thin pools: choose type thick')
  }
  if (thin) await ensurePool(group, options, pool)
  if (thin || poolFound) {
    watch = openPoolWatch(group, options, pool, deps.log)
    watch.check(await group.report(believedMs))
  }
  const ensureRoom = async (what: string): Promise<void> => watch?.ensureRoom(what)
  const owner = newOwner()
  const exclusive = openExclusive()
  const backend: Backend = { options, group, log: deps.log, owner, pool, thin, host, exclusive, ensureRoom }
  await recoverAll(backend)
  return {
    stats: async () => statsOf(backend, await group.report()),
    ...volumes(backend),
    ...snapshots(backend),
    ...devices(backend),
    ...adoptionMethods(backend),
    close: async () => watch?.close(),
  }
}

function volumes(backend: Backend): Pick<VolumeDriver, 'create' | 'delete' | 'extend' | 'clone'> {
  const { exclusive } = backend
  return {
    create: (volume, signal) => exclusive(volume.name, () => create(backend, volume, signal)),
    delete: (volume, signal) => exclusive(volume.name, () => remove(backend, volume.name, signal)),
    extend: (volume, newSizeGiB, signal) =>
      exclusive(volume.name, () => extend(backend, volume.name, bytesOf(newSizeGiB), signal)),
    clone: (volume, source, signal) => exclusive(volume.name, () => copy(backend, volume, source.name, signal)),
  }
}

function snapshots(
  backend: Backend,
): Pick<VolumeDriver, 'snapshot' | 'deleteSnapshot' | 'createFromSnapshot'> & Required<Pick<VolumeDriver, 'revert'>> {
  const { exclusive } = backend
  return {
    snapshot: (snapshot, signal) => exclusive(snapshot.name, () => takeSnapshot(backend, snapshot, signal)),
    deleteSnapshot: (snapshot, signal) => exclusive(snapshot.name, () => remove(backend, snapshot.name, signal)),
    createFromSnapshot: (volume, source, signal) =>
      exclusive(volume.name, () => copy(backend, volume, source.name, signal)),
    revert: (snapshot, signal) =>
      exclusive(snapshot.volume.name, () => exclusive(snapshot.name, () => revert(backend, snapshot, signal))),
  }
}

function devices(backend: Backend): Pick<VolumeDriver, 'connection' | 'address' | 'snapshotAddress'> {
  const active = (name: string): Promise<LogicalVolume> =>
    backend.exclusive(name, () => getActiveVolume(backend, logicalName(name)))
  return {
    async connection(volume) {
      const { name, sizeBytes } = await active(volume.name)
      return { kind: 'device', path: pathOf(backend, name), sizeBytes, blockSize: 512 }
    },
    address: async (volume) => ({ filename: pathOf(backend, (await active(volume.name)).name), format: 'raw' }),
    async snapshotAddress(snapshot) {
      const found = await active(snapshot.name)
      if (found.kind === 'snapshot' && found.broken) throw snapshotLost(found)
      return { filename: pathOf(backend, found.name), format: 'raw' }
    },
  }
}

async function create(backend: Backend, volume: VolumeRef, signal?: AbortSignal): Promise<undefined> {
  const logical = logicalName(volume.name)
  const bytes = bytesOf(volume.sizeGiB)
  stopIfAborted(signal, `Making ${volume.name}`)
  if (await ensureExisting(backend, logical, volume)) return
  if (backend.thin) await createThin(backend, logical, bytes)
  else await createThick(backend, logical, bytes, signal)
}

function bytesOf(sizeGiB: number): number {
  if (!Number.isInteger(sizeGiB) || sizeGiB < 1 || sizeGiB > largestGiB) {
    throw new DriverError('invalid', `A size of ${sizeGiB} GiB: it must be a whole number from 1 to ${largestGiB}`)
  }
  return sizeGiB * gib
}

/**
 * Returns true when the volume is finished, and activates it. A cached report suffices: LVM refuses a second such name.
 */
async function ensureExisting(backend: Backend, logical: string, volume: VolumeRef): Promise<boolean> {
  const known = volumeIn(await backend.group.report(believedMs), logical)
  const found = known && (await recover(backend, logical))
  if (!found) return false
  if (found.sizeBytes < volume.sizeGiB * gib) {
    throw new DriverError('invalid', `${volume.name} already exists with ${found.sizeBytes} bytes`)
  }
  if (!found.active) getFinished(await backend.group.perform({ activate: [logical] }), logical, { isActive: true })
  return true
}

async function copy(backend: Backend, volume: VolumeRef, from: string, signal?: AbortSignal): Promise<undefined> {
  const logical = logicalName(volume.name)
  const bytes = bytesOf(volume.sizeGiB)
  stopIfAborted(signal, `Making ${volume.name}`)
  if (await ensureExisting(backend, logical, volume)) return
  const source = await getVolume(backend, logicalName(from))
  if (source.kind !== 'snapshot' && source.sizeBytes > bytes) {
    throw new DriverError('invalid', `${volume.name} of ${volume.sizeGiB} GiB cannot hold ${from}`)
  }
  if (source.kind === 'snapshot' && source.broken) throw snapshotLost(source)
  stopIfAborted(signal, `Making ${volume.name}`)
  if (source.kind === 'thin') await cloneThin(backend, logical, { source, bytes })
  else await copyVolume(backend, logical, { source, bytes, signal })
}

async function extend(backend: Backend, name: string, bytes: number, signal?: AbortSignal): Promise<void> {
  const found = await getVolume(backend, logicalName(name))
  if (found.sizeBytes >= bytes) return
  if (found.kind === 'thin') await growThin(backend, found.name, bytes)
  else await growThick(backend, found, bytes, signal)
}

async function takeSnapshot(backend: Backend, snapshot: SnapshotRef, signal?: AbortSignal): Promise<undefined> {
  const logical = logicalName(snapshot.name)
  stopIfAborted(signal, `Making ${snapshot.name}`)
  if (await recover(backend, logical)) return
  const source = await getVolume(backend, logicalName(snapshot.volume.name))
  if (source.kind === 'thin') await snapshotThin(backend, logical, source)
  else await snapshotThick(backend, logical, source)
}

async function remove(backend: Backend, name: string, signal?: AbortSignal): Promise<undefined> {
  const logical = logicalName(name)
  const found = await recover(backend, logical)
  if (!found) return
  const users = await dependents(backend, found)
  if (users.length > 0) throw new DriverError('busy', `${name} has snapshots (${users.join(', ')}): delete them first`)
  if (found.kind === 'thin') await removeThin(backend, found)
  else await removeThick(backend, found, signal)
}

/**
 * Names of the snapshots that prevent a deletion. Thin ones need no origin, but upstream requires their deletion first.
 */
async function dependents(backend: Backend, found: LogicalVolume): Promise<string[]> {
  const report = await backend.group.report(found.kind === 'thin' ? believedMs : 0)
  const thin = report.volumes.filter(
    (one) => isSnapshotName(one.name) && one.kind === 'thin' && volumeOfSnapshot(one) === found.name,
  )
  const finishedThin = thin.filter((one) => !markOf(one, 'making')).map((one) => one.name)
  return [...finishedThin, ...snapshotsOn(report, found.name)].map(plainName)
}

async function revert(backend: Backend, snapshot: SnapshotRef, signal?: AbortSignal): Promise<void> {
  const names = [logicalName(snapshot.volume.name), logicalName(snapshot.name)] as const
  const { volume, snapshot: found } = await getPair(backend, ...names)
  stopIfAborted(signal, `Reverting ${snapshot.volume.name}`)
  if (marksOf(volume).length > 0)
    throw new DriverError('busy', `${snapshot.volume.name} has another operation in progress`)
  if (found.kind === 'thin') await revertThin(backend, volume, found)
  else await revertThick(backend, volume, found)
}
