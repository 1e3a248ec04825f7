import type { MessageContext } from '@hearth/bus'
import { isDriverError } from '@hearth/driver'
import { listAttachments } from '../model/attachments/store.ts'
import { addMessage } from '../model/messages/store.ts'
import { endExtension } from '../model/volumes/extension.ts'
import { findVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import type { ExtensionTask } from '../model/volumes/tasks.ts'
import { waitForCopies } from './copies.ts'
import type { BackendDeps } from './deps.ts'
import { notifyCompute } from './notify-compute.ts'

const gib = 1024 ** 3

/** Grows a volume in `extending`. If it is attached, resizes the export too, so that open sessions see the new size. */
export async function extendVolume(
  context: MessageContext,
  input: { volumeId: string },
  deps: BackendDeps,
): Promise<void> {
  await waitForCopies({ source_volid: input.volumeId }, deps)
  await deps.withLock(input.volumeId, async () => {
    const { database, backend, log } = deps
    const volume = await findVolume(database.query, input.volumeId)
    if (volume?.status !== 'extending') return
    const task = JSON.parse(volume.task ?? '{}') as ExtensionTask
    try {
      await backend.volume.extend(volumeRef(volume), task.newSizeGiB, deps.signal)
      await resizeExport(volume, task.newSizeGiB * gib, deps)
    } catch (error) {
      if (deps.signal.aborted) throw error
      log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'volume could not be extended')
      return failExtension(context, volume, task, deps)
    }
    await database.transaction((tx) => endExtension(tx, volume, task, 'grown'))
    if (volume.previous_status === 'in-use')
      await notifyCompute('volumeExtended', { volume_id: volume.id, status: 'attached' }, deps)
  })
}

/** Resizes the export of a volume with attachments; without one there is no session that must see the new size. */
async function resizeExport(volume: VolumeRow, sizeBytes: number, { backend, database }: BackendDeps): Promise<void> {
  const attachments = await listAttachments(database.query, { volume_id: volume.id })
  if (attachments.length > 0) {
    await backend.export?.resize?.(volumeRef(volume).name, sizeBytes).catch((error: unknown) => {
      if (!isDriverError(error) || error.kind !== 'not-found') throw error
    })
  }
}

async function failExtension(
  context: MessageContext,
  volume: VolumeRow,
  task: ExtensionTask,
  deps: BackendDeps,
): Promise<void> {
  await deps.database.transaction(async (tx) => {
    if (!(await endExtension(tx, volume, task, 'failed'))) return
    await addMessage(tx, {
      projectId: volume.project_id,
      action: 'extend-volume',
      resourceType: 'VOLUME',
      resourceId: volume.id,
      detail: 'extend-failed',
      requestId: context.requestId,
    })
  })
}
