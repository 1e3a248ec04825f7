import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { addMessage } from '../model/messages/store.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { findVolume, type VolumeRow, volumeRef, writeMetadata } from '../model/volumes/store.ts'
import type { ReimageTask } from '../model/volumes/tasks.ts'
import type { BackendDeps } from './deps.ts'
import { prepareImage } from './image-cache/fill.ts'
import { notifyCompute } from './notify-compute.ts'

/** Writes an image over an existing volume in `downloading`. */
export async function reimageVolume(
  context: MessageContext,
  input: { volumeId: string },
  deps: BackendDeps,
): Promise<void> {
  await deps.withLock(input.volumeId, async () => {
    const volume = await findVolume(deps.database.query, input.volumeId)
    if (volume?.status !== 'downloading' || volume.launched_at === null) return
    const task = JSON.parse(volume.task ?? '{}') as ReimageTask
    let failed = false
    try {
      await overwrite(volume, task, deps)
    } catch (error) {
      if (deps.signal.aborted) throw error
      deps.log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'volume could not be re-imaged')
      failed = true
    }
    await deps.database.transaction((tx) => finish(tx, context, volume, task, failed))
    // Nova waits for this event while it rebuilds a server (cinder/volume/manager.py).
    if (!failed && volume.previous_status === 'reserved')
      await notifyCompute('volumeReimaged', { volume_id: volume.id }, deps)
  })
}

async function overwrite(volume: VolumeRow, task: ReimageTask, deps: BackendDeps): Promise<void> {
  const { backend, signal } = deps
  const prepared = await prepareImage(task.image, deps, signal)
  try {
    await prepared.writeTo({ backend, volume: volumeRef(volume), isZero: false, signal })
  } finally {
    await prepared.dispose()
  }
}

async function finish(
  tx: Transaction,
  context: MessageContext,
  volume: VolumeRow,
  task: ReimageTask,
  failed: boolean,
): Promise<void> {
  const to = failed ? 'error' : (volume.previous_status ?? 'available')
  const set = { previous_status: null, task: null, ...(failed ? {} : { bootable: true }) }
  const states = volumeStates
  if (!(await move(tx, { table: 'volumes', id: volume.id, to, states, from: 'downloading', set }))) return
  if (!failed) return writeMetadata(tx, volume.id, 'image', task.imageMetadata, true)
  await addMessage(tx, {
    projectId: volume.project_id,
    action: 'reimage-volume',
    resourceType: 'VOLUME',
    resourceId: volume.id,
    detail: 'unknown-error',
    requestId: context.requestId,
  })
}
