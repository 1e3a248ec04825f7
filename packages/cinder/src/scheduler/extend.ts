import type { MessageContext } from '@hearth/bus'
import { addMessage } from '../model/messages/store.ts'
import { extendVolume } from '../model/topics.ts'
import { getVolumeType } from '../model/types/store.ts'
import { endExtension } from '../model/volumes/extension.ts'
import { backendOf, findVolume, type VolumeRow } from '../model/volumes/store.ts'
import type { ExtensionTask } from '../model/volumes/tasks.ts'
import { rankPoolsWithRefresh, type SchedulerDeps } from './schedule.ts'

/**
 * Tests with the filters whether a volume in `extending` fits in its pool with the new size. If so, casts it to its
 * backend; otherwise ends the extension and adds a user message.
 */
export async function scheduleExtension(
  context: MessageContext,
  input: { volumeId: string },
  deps: SchedulerDeps,
): Promise<void> {
  const { database, bus } = deps
  const volume = await findVolume(database.query, input.volumeId)
  if (volume?.status !== 'extending' || volume.host === null) return
  const task = JSON.parse(volume.task ?? '{}') as ExtensionTask
  if (task.placed) return
  const request = await extensionRequest(deps, volume, task)
  const fits = (await rankPoolsWithRefresh(context, request, deps, (pool) => pool.host === volume.host)).length > 0
  await database.transaction(async (tx) => {
    if (fits) {
      const placed = JSON.stringify({ ...task, placed: true })
      const set = { task: placed }
      const marked = await tx('volumes').where({ id: volume.id, status: 'extending', task: volume.task }).update(set)
      if (marked > 0) await bus.cast(tx, extendVolume, backendOf(volume.host!), { volumeId: volume.id }, context)
      return
    }
    if (!(await endExtension(tx, volume, task, 'refused'))) return
    await addMessage(tx, {
      projectId: volume.project_id,
      action: 'extend-volume',
      resourceType: 'VOLUME',
      resourceId: volume.id,
      detail: 'no-backend',
      requestId: context.requestId,
    })
  })
}

async function extensionRequest(deps: SchedulerDeps, volume: VolumeRow, task: ExtensionTask) {
  return {
    volumeId: volume.id,
    sizeGiB: task.newSizeGiB - volume.size,
    type: await getVolumeType(deps.database.query, volume.volume_type_id ?? ''),
    zone: null,
    excluded: [],
    pinned: null,
    currentPool: null,
    hints: null,
    isOnlineExtend: volume.previous_status === 'in-use',
  }
}
