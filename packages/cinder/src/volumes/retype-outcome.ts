import { move, type Transaction } from '@hearth/database'
import { giveQuota, takeQuota } from '../quotas/store.ts'
import { typeNameOf } from './quota.ts'
import type { RetypeTask } from './retype.ts'
import { volumeStates } from './states.ts'
import type { VolumeRow } from './store.ts'

/**
 * Ends a retype: with the new type, whose quota was taken when the request came, or with the old one, whose quota is taken again.
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
  // What is given back to the one is taken for the other; it had been taken before, so no limit is new.
  await takeQuota(tx, { projectId, deltas, volumeTypeName: await typeNameOf(tx, volume.volume_type_id) })
}
