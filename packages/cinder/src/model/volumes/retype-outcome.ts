import { move, type Transaction } from '@hearth/database'
import { giveQuota, takeQuota } from '../quotas/store.ts'
import { typeNameOf } from './quota.ts'
import { volumeStates } from './states.ts'
import type { VolumeRow } from './store.ts'
import type { RetypeTask } from './tasks.ts'

/**
 * Ends a retype. If `done`, sets the new type, whose quota the request has taken. Otherwise keeps the old type and
 * moves the quota back to it.
 */
export async function endRetype(tx: Transaction, volume: VolumeRow, task: RetypeTask, done: boolean): Promise<void> {
  const set: Record<string, unknown> = { task: null, previous_status: null }
  if (done) {
    set.volume_type_id = task.newTypeId
    set.multiattach = task.multiattach
  }
  const to = volume.previous_status ?? 'available'
  const states = volumeStates
  if (!(await move(tx, { table: 'volumes', id: volume.id, to, states, from: 'retyping', set }))) return
  if (done || !volume.use_quota) return
  const deltas = { volumes: 1, gigabytes: volume.size }
  const projectId = volume.project_id
  await giveQuota(tx, { projectId, deltas, volumeTypeName: await typeNameOf(tx, task.newTypeId) })
  // Moves usage from one type to the other. The old type had this usage before, so no limit is newly exceeded.
  await takeQuota(tx, { projectId, deltas, volumeTypeName: await typeNameOf(tx, volume.volume_type_id) })
}
