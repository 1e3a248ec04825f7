import { type Context, isoMicroseconds } from '@hearth/core'
import type { SnapshotRow } from '../../model/snapshots/store.ts'

/** Returns a snapshot as in responses of create, update and the plain listing. */
export function plainView(row: SnapshotRow, metadata: Record<string, string>): Record<string, unknown> {
  return {
    id: row.id,
    created_at: isoMicroseconds(row.created_at),
    updated_at: isoMicroseconds(row.updated_at),
    name: row.name,
    description: row.description,
    volume_id: row.volume_id,
    // Upstream shows a snapshot that is being adopted as `creating`.
    status: row.status === 'managing' ? 'creating' : row.status,
    size: row.size,
    metadata,
    group_snapshot_id: row.group_snapshot_id,
    user_id: row.user_id,
    consumes_quota: row.use_quota,
  }
}

/** Returns a snapshot as in responses of show and detail; a policy decides on the extended attributes. */
export function detailView(context: Context, row: SnapshotRow, metadata: Record<string, string>): object {
  const target = { project_id: row.project_id, user_id: row.user_id }
  if (!context.may('volume_extension:extended_snapshot_attributes', target)) return plainView(row, metadata)
  return {
    ...plainView(row, metadata),
    'os-extended-snapshot-attributes:progress': row.progress ?? '0%',
    'os-extended-snapshot-attributes:project_id': row.project_id,
  }
}
