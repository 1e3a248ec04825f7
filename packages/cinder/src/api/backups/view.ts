import { type Context, isoMicroseconds } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { type BackupRow, readBackupMetadata, withDependents } from '../../model/backups/store.ts'
import { itemLinks } from '../links.ts'

/** Returns a backup as the short listing presents it: id, name and links. */
export function summaryView(request: ApiRequest, row: Pick<BackupRow, 'id' | 'name'>) {
  return { id: row.id, name: row.name, links: itemLinks(request, 'backups', row.id) }
}

/**
 * Returns backups as show and detail present them. The reply schema drops fields that the microversion does not have.
 */
export async function detailViews(context: Context, request: ApiRequest, q: Query, rows: BackupRow[]) {
  const ids = rows.map((row) => row.id)
  const metadata = await readBackupMetadata(q, ids)
  const parents = await withDependents(q, ids)
  return rows.map((row) => ({
    ...summaryView(request, row),
    status: row.status,
    size: Number(row.size),
    object_count: Number(row.object_count),
    availability_zone: row.availability_zone,
    container: row.container,
    created_at: isoMicroseconds(row.created_at),
    updated_at: isoMicroseconds(row.updated_at),
    description: row.description,
    fail_reason: row.fail_reason,
    volume_id: row.volume_id,
    is_incremental: row.parent_id !== null,
    has_dependent_backups: parents.has(row.id),
    snapshot_id: row.snapshot_id,
    data_timestamp: isoMicroseconds(row.data_timestamp),
    metadata: metadata.get(row.id),
    ...(context.may('backup:backup_project_attribute') && { 'os-backup-project-attr:project_id': row.project_id }),
    ...(context.may('backup:backup_user_attribute') && { user_id: row.user_id }),
  }))
}
