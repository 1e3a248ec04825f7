import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { DriverError, isDriverError, type ModelUpdate } from '@hearth/driver'
import { addMessage } from '../model/messages/store.ts'
import { findSnapshot, snapshotRef } from '../model/snapshots/store.ts'
import { schedulerTarget, scheduleVolume } from '../model/topics.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { backendOf, findVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import type { CreationTask } from '../model/volumes/tasks.ts'
import type { BackendDeps } from './deps.ts'
import { withRoom } from './image-cache/cache.ts'
import { restoreIntoNewVolume } from './restore-backup.ts'

/** Number of placements that are tried before a volume ends in `error`: Cinder's `scheduler_max_attempts`. */
const maxAttempts = 3

/** Creates a volume in `creating` on the backend. May be repeated: drivers accept a volume that exists already. */
export async function createVolume(
  context: MessageContext,
  input: { volumeId: string; excluded: string[] },
  deps: BackendDeps,
): Promise<void> {
  await deps.withLock(input.volumeId, async () => {
    const volume = await findVolume(deps.database.query, input.volumeId)
    if (!isOnThisBackend(volume, deps)) return
    const task = JSON.parse(volume.task ?? '{}') as CreationTask
    let update: ModelUpdate | undefined
    try {
      update = await withRoom(deps.imageCache, () => makeVolume(volume, task, deps))
    } catch (error) {
      if (deps.signal.aborted) throw error
      return failOrReschedule(context, volume, input.excluded, error, deps)
    }
    // Only the database can fail from here on: the error makes the bus deliver the message again.
    await finish(context, volume, task, update, deps)
  })
}

function isOnThisBackend(volume: VolumeRow | undefined, deps: BackendDeps): volume is VolumeRow {
  if (volume?.host == null || backendOf(volume.host) !== deps.backend.host) return false
  return volume.status === 'creating' || volume.status === 'downloading'
}

async function makeVolume(volume: VolumeRow, task: CreationTask, deps: BackendDeps): Promise<ModelUpdate | undefined> {
  const { volume: driver } = deps.backend
  const ref = volumeRef(volume)
  if (volume.snapshot_id !== null) {
    const snapshot = await findSnapshot(deps.database.query, volume.snapshot_id)
    const origin = snapshot && (await findVolume(deps.database.query, snapshot.volume_id))
    if (!snapshot || !origin) throw new DriverError('not-found', `snapshot ${volume.snapshot_id} is gone`)
    return deps.withLock(origin.id, () => driver.createFromSnapshot(ref, snapshotRef(snapshot, origin), deps.signal))
  }
  if (volume.source_volid !== null) {
    const source = await findVolume(deps.database.query, volume.source_volid)
    if (!source) throw new DriverError('not-found', `volume ${volume.source_volid} is gone`)
    return deps.withLock(source.id, () => driver.clone(ref, volumeRef(source), deps.signal))
  }
  if (task.image)
    return deps.imageCache.makeVolume(ref, task.image, {
      signal: deps.signal,
      onDownload: () => showDownload(volume, deps),
    })
  return driver.create(ref, deps.signal)
}

/** Sets the status `downloading` of the one volume whose creation downloads the image. */
async function showDownload(volume: VolumeRow, deps: BackendDeps): Promise<void> {
  const states = volumeStates
  await move(deps.database.query, { table: 'volumes', id: volume.id, to: 'downloading', states, from: 'creating' })
}

async function finish(
  context: MessageContext,
  volume: VolumeRow,
  task: CreationTask,
  update: ModelUpdate | undefined,
  deps: BackendDeps,
): Promise<void> {
  const made = {
    provider_location: update?.providerLocation ?? null,
    service_uuid: deps.serviceId,
    bootable: task.bootable,
    launched_at: Date.now(),
    task: null,
  }
  await deps.database.transaction(async (tx) => {
    if (volume.backup_id !== null) {
      await tx('volumes')
        .where({ id: volume.id })
        .update({ ...made, task: volume.task })
      await restoreIntoNewVolume(tx, deps.bus, context, { volumeId: volume.id, backupId: volume.backup_id })
      return
    }
    const from = ['creating', 'downloading']
    await move(tx, { table: 'volumes', id: volume.id, to: 'available', states: volumeStates, from, set: made })
  })
}

/** Removes the partial volume, then asks the scheduler for another backend, or sets `error` with a user message. */
async function failOrReschedule(
  context: MessageContext,
  volume: VolumeRow,
  excluded: string[],
  error: unknown,
  deps: BackendDeps,
): Promise<void> {
  deps.log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'volume could not be created')
  await deps.backend.volume.delete(volumeRef(volume)).catch((problem: unknown) => {
    deps.log.warn(
      { err: problem, volumeId: volume.id },
      'leftovers of a failed creation could not be removed from the backend',
    )
  })
  const task = JSON.parse(volume.task ?? '{}') as CreationTask
  const reschedule = volume.attempts < maxAttempts && canReschedule(error, task)
  await deps.database.transaction(async (tx) => {
    if (!reschedule) return fail(tx, context, volume, error)
    const set = { host: null, attempts: volume.attempts + 1, updated_at: Date.now() }
    const where = { id: volume.id, attempts: volume.attempts, status: 'creating' }
    const moved = await tx('volumes').where(where).update(set)
    if (moved === 0) return
    const payload = { volumeId: volume.id, attempt: set.attempts, excluded: [...excluded, deps.backend.host] }
    await deps.bus.cast(tx, scheduleVolume, schedulerTarget, payload, context)
  })
}

/** True if another backend may succeed; a problem with the image or the request would occur on every backend. */
function canReschedule(error: unknown, task: CreationTask): boolean {
  if (!isDriverError(error) || task.pinned !== null || task.image !== null) return false
  return error.kind !== 'invalid' && error.kind !== 'not-found' && error.kind !== 'aborted'
}

async function fail(tx: Transaction, context: MessageContext, volume: VolumeRow, error: unknown): Promise<void> {
  const from = ['creating', 'downloading']
  const set = { task: null }
  if (!(await move(tx, { table: 'volumes', id: volume.id, to: 'error', states: volumeStates, from, set }))) return
  const image = volume.image_id !== null
  const full = isDriverError(error) && error.kind === 'no-space'
  await addMessage(tx, {
    projectId: volume.project_id,
    action: image ? 'copy-image-to-volume' : 'create-volume',
    resourceType: 'VOLUME',
    resourceId: volume.id,
    detail: image && full ? 'no-space-for-image' : 'create-failed',
    requestId: context.requestId,
  })
}
