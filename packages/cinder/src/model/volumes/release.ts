import type { Transaction } from '@hearth/database'
import { giveQuota } from '../quotas/store.ts'
import { typeNameOf } from './quota.ts'
import { deleteVolumeRow, type VolumeRow } from './store.ts'

/** Deletes the row and releases its quota. Does nothing if the row is gone, so quota is released once. */
export async function deleteVolumeAndReleaseQuota(tx: Transaction, volume: VolumeRow): Promise<void> {
  const deleted = await deleteVolumeRow(tx, volume.id)
  if (!deleted || !volume.use_quota) return
  const deltas = { volumes: 1, gigabytes: volume.size }
  const volumeTypeName = await typeNameOf(tx, volume.volume_type_id)
  await giveQuota(tx, { projectId: volume.project_id, deltas, volumeTypeName })
}
