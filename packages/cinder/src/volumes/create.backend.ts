import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { DriverError, isDriverError, type ModelUpdate } from '@hearth/driver'
import { restoreIntoNewVolume } from '../backups/restore-new.ts'
import { withRoom } from '../image-cache/cache.ts'
import { addMessage } from '../messages/store.ts'
import { findSnapshot, snapshotRef } from '../snapshots/store.ts'
import { schedulerTarget, scheduleVolume } from '../topics.ts'
import type { BackendDeps } from './backend-deps.ts'
import type { CreationTask } from './create.ts'
import { volumeStates } from './states.ts'
import { backendOf, findVolume, type VolumeRow, volumeRef } from './store.ts'

/** Places that are tried before a volume ends in `error`: Cinder's `scheduler_max_attempts`. */
const maxAttempts = 3

/** Makes a volume in `creating` on the backend. Repeating it is harmless: drivers make what is there only once. */
export async function createVolume(
  context: MessageContext,
  input: { volumeId: string; excluded: string[] },
  deps: BackendDeps,
): Promise<void> {
  await deps.exclusive(input.volumeId, async () => {
    const volume = await findVolume(deps.database.query, input.volumeId)
    if (!isMine(volume, deps)) return
    const task = JSON.parse(volume.task ?? '{}') as CreationTask
    let update: ModelUpdate | undefined
    try {
      update = await withRoom(deps.imageCache, () => makeVolume(volume, task, deps))
    } catch (error) {
      if (deps.signal.aborted) throw error
      return giveUp(context, volume, input.excluded, error, deps)
    }
    // A failure from here on is the database's: the message comes again.
    await finish(context, volume, task, update, deps)
  })
}

function isMine(volume: VolumeRow | undefined, deps: BackendDeps): volume is VolumeRow {
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
    return deps.exclusive(origin.id, () => driver.createFromSnapshot(ref, snapshotRef(snapshot, origin), deps.signal))
  }
  if (volume.source_volid !== null) {
    const source = await findVolume(deps.database.query, volume.source_volid)
    if (!source) throw new DriverError('not-found', `volume ${volume.source_volid} is gone`)
    return deps.exclusive(source.id, () => driver.clone(ref, volumeRef(source), deps.signal))
  }
  if (task.image)
    return deps.imageCache.makeVolume(ref, task.image, {
      signal: deps.signal,
      onDownload: () => showDownload(volume, deps),
    })
  return driver.create(ref, deps.signal)
}

/** The volume whose turn it is to fetch the image says so. */
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

/** Removes what was begun, then asks for another place, or ends in `error` and tells the owner why. */
async function giveUp(
  context: MessageContext,
  volume: VolumeRow,
  excluded: string[],
  error: unknown,
  deps: BackendDeps,
): Promise<void> {
  deps.log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'volume could not be created')
  await deps.backend.volume.delete(volumeRef(volume)).catch((problem: unknown) => {
    deps.log.warn({ err: problem, volumeId: volume.id }, 'remains of a volume could not be removed')
  })
  const task = JSON.parse(volume.task ?? '{}') as CreationTask
  const elsewhere = volume.attempts < maxAttempts && mayMoveOn(error, task)
  await deps.database.transaction(async (tx) => {
    if (!elsewhere) return fail(tx, context, volume, error)
    const set = { host: null, attempts: volume.attempts + 1, updated_at: Date.now() }
    const where = { id: volume.id, attempts: volume.attempts, status: 'creating' }
    const moved = await tx('volumes').where(where).update(set)
    if (moved === 0) return
    const payload = { volumeId: volume.id, attempt: set.attempts, excluded: [...excluded, deps.backend.host] }
    await deps.bus.cast(tx, scheduleVolume, schedulerTarget, payload, context)
  })
}

/** Trouble with the image would follow the volume to any backend. */
function mayMoveOn(error: unknown, task: CreationTask): boolean {
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
