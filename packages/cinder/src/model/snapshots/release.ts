import type { Transaction } from '@hearth/database'
import { giveQuota } from '../quotas/store.ts'
import { typeNameOf } from '../volumes/quota.ts'
import { deleteSnapshotRow, type SnapshotRow } from './store.ts'

/** Deletes the row and releases its quota. Does nothing if the row is gone, so quota is released once. */
export async function deleteSnapshotAndReleaseQuota(tx: Transaction, snapshot: SnapshotRow): Promise<void> {
  const deleted = await deleteSnapshotRow(tx, snapshot.id)
  if (!deleted || !snapshot.use_quota) return
  const deltas = { snapshots: 1, gigabytes: snapshot.size }
  const volumeTypeName = await typeNameOf(tx, snapshot.volume_type_id)
  await giveQuota(tx, { projectId: snapshot.project_id, deltas, volumeTypeName })
}
