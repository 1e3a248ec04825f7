import {
  type DriverDeps,
  DriverError,
  type ModelUpdate,
  type SnapshotRef,
  type VolumeDriver,
  type VolumeRef,
} from '@hearth/driver'
import { changeImage, codeOf, createImage } from '../ceph/librbd.ts'
import { checkName, checkSize } from '../ceph/naming.ts'
import { openRemembered } from '../ceph/remembered.ts'
import { openSession } from '../ceph/session.ts'
import { type Backend, found, gib, make, notFound, type ParentInfo } from './backend.ts'
import { openSnapshotBytes, openVolumeBytes } from './bytes.ts'
import { openRoom, statsOf } from './capacity.ts'
import { cloneFromImage, cloneVolume, createFromSnapshot } from './clones.ts'
import { addressOfSnapshot, addressOfVolume, connectionOf } from './connection.ts'
import { deleteSnapshot, deleteVolume, revert, sweep } from './deletion.ts'
import { listManageable, listNames, manage, manageSnapshot } from './manage.ts'
import type { VolumeOptions } from './options.ts'
import { featuresOf } from './sharing.ts'

/**
 * Volumes as images of one Ceph pool. Nothing is kept but in the pool, so that several services can work on it at once.
 * Clones never hold their source: it can be changed and deleted, and its bytes stay as long as a clone reads them.
 */
export async function openRbdVolume(given: Record<string, unknown>, { log }: DriverDeps): Promise<VolumeDriver> {
  const options = given as unknown as VolumeOptions
  const session = await openSession(options, log)
  const backend: Backend = { options, log, session, ensureRoom: openRoom(), parents: openRemembered<ParentInfo>(5000) }
  const sweeping = openSweeping(backend)
  return {
    ...volumes(backend),
    ...snapshots(backend),
    ...taking(backend),
    stats: () => statsOf(session, options),
    connection: (volume) => connectionOf(backend, volume),
    address: (volume) => addressOfVolume(backend, volume),
    snapshotAddress: (snapshot) => addressOfSnapshot(backend, snapshot),
    openVolume: (volume, mode) => openVolumeBytes(backend, volume, mode),
    openSnapshot: (snapshot) => openSnapshotBytes(backend, snapshot),
    async close() {
      await sweeping.end()
      await session.close()
    },
  }
}

const nothing = (): ModelUpdate | undefined => undefined

function volumes(backend: Backend): Pick<VolumeDriver, 'create' | 'delete' | 'extend' | 'clone' | 'cloneImage'> {
  return {
    create: (volume, signal) => createVolume(backend, volume, signal).then(nothing),
    delete: (volume) => deleteVolume(backend, volume),
    extend: (volume, newSizeGiB) => extendVolume(backend, volume, newSizeGiB),
    clone: (volume, source, signal) => cloneVolume(backend, volume, source, signal).then(nothing),
    cloneImage: async (volume, image, signal) => ((await cloneFromImage(backend, volume, image, signal)) ? {} : null),
  }
}

function snapshots(
  backend: Backend,
): Pick<VolumeDriver, 'snapshot' | 'deleteSnapshot' | 'createFromSnapshot' | 'revert'> {
  return {
    snapshot: (snapshot, signal) => createSnapshot(backend, snapshot, signal).then(nothing),
    deleteSnapshot: (snapshot, signal) => deleteSnapshot(backend, snapshot, signal),
    createFromSnapshot: (volume, source, signal) => createFromSnapshot(backend, volume, source, signal).then(nothing),
    revert: (snapshot) => revert(backend, snapshot, snapshot.volume.sizeGiB * gib),
  }
}

function taking(backend: Backend): Pick<VolumeDriver, 'list' | 'manageable' | 'manage' | 'manageSnapshot'> {
  return {
    list: () => listNames(backend),
    manageable: () => listManageable(backend),
    manage: (volume, { name }) => manage(backend, volume, name).then(nothing),
    manageSnapshot: (snapshot, { name }) => manageSnapshot(backend, snapshot, name).then(nothing),
  }
}

function createVolume(backend: Backend, volume: VolumeRef, signal?: AbortSignal): Promise<void> {
  const order = Math.log2(backend.options.chunkSizeMiB) + 20
  return backend.session.use((pool) =>
    make(backend, pool, {
      volume,
      signal,
      build: (part) => createImage(pool, part, volume.sizeGiB * gib, { order, ...featuresOf(volume) }),
    }),
  )
}

async function extendVolume({ session }: Backend, volume: VolumeRef, newSizeGiB: number): Promise<void> {
  checkName(volume.name)
  checkSize(newSizeGiB)
  return session.use(async (pool) => {
    const growing = changeImage(pool, volume.name, async (image) => {
      await image.grow(newSizeGiB * gib)
      return true
    })
    if (!(await found(growing))) throw notFound(pool, volume.name)
  })
}

async function createSnapshot(backend: Backend, snapshot: SnapshotRef, signal?: AbortSignal): Promise<void> {
  const { name, volume } = snapshot
  checkName(name)
  checkName(volume.name)
  return backend.session.use(async (pool) => {
    if (signal?.aborted) throw new DriverError('aborted', `Making ${name} was aborted`)
    await backend.ensureRoom(pool, name)
    const making = changeImage(pool, volume.name, async (image) => {
      await image.createSnapshot(name).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error
      })
      return true
    })
    if (!(await found(making))) throw notFound(pool, volume.name)
  })
}

/** Collects in the background what deletions had to leave behind. */
function openSweeping(backend: Backend): { end(): Promise<void> } {
  let running: Promise<void> | undefined
  const once = () => {
    running ??= sweep(backend)
      .catch((error: unknown) => backend.log.debug({ err: error }, 'deleted volumes could not be swept away'))
      .finally(() => {
        running = undefined
      })
  }
  const timer = setInterval(once, backend.options.purgeIntervalSeconds * 1000).unref()
  return {
    async end() {
      clearInterval(timer)
      await running
    },
  }
}
