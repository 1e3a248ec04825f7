import { move, type Transaction } from '@hearth/database'
import { giveQuota } from '../quotas/store.ts'
import { volumeStates } from './states.ts'
import type { VolumeRow } from './store.ts'
import type { ExtensionTask } from './tasks.ts'

/**
 * Ends an extension. `grown` sets the new size; `refused` restores the status from before; `failed` sets
 * `error_extending`. Releases the quota unless the volume has grown. Returns false if the volume was not `extending`.
 */
export async function endExtension(
  tx: Transaction,
  volume: VolumeRow,
  task: ExtensionTask,
  outcome: 'grown' | 'refused' | 'failed',
): Promise<boolean> {
  const to = outcome === 'failed' ? 'error_extending' : (volume.previous_status ?? 'available')
  const set: Record<string, unknown> = { previous_status: null, task: null }
  if (outcome === 'grown') set.size = task.newSizeGiB
  const states = volumeStates
  const moved = await move(tx, { table: 'volumes', id: volume.id, to, states, from: 'extending', set })
  if (moved && outcome !== 'grown' && volume.use_quota) {
    const deltas = { gigabytes: task.newSizeGiB - volume.size }
    await giveQuota(tx, { projectId: volume.project_id, deltas, volumeTypeName: task.typeName })
  }
  return moved
}
