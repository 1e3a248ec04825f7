import { move, type Query, type Transaction } from '@hearth/database'
import { errors } from '../errors.ts'
import { type SnapshotRow, snapshotRows } from '../snapshots/store.ts'
import { groupSnapshotStates } from './states.ts'

export interface GroupSnapshotRow {
  id: string
  group_id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  status: string
  group_type_id: string | null
  created_at: number
  updated_at: number | null
}

/** Throws GroupSnapshotNotFound (404). */
export async function getGroupSnapshot(q: Query, id: string): Promise<GroupSnapshotRow> {
  const row = await q<GroupSnapshotRow>('group_snapshots').where({ id }).first()
  if (!row) throw errors.GroupSnapshotNotFound({ group_snapshot_id: id })
  return row as GroupSnapshotRow
}

/** Inserts a group snapshot. */
export async function insertGroupSnapshot(tx: Transaction, row: GroupSnapshotRow): Promise<void> {
  await tx('group_snapshots').insert(row)
}

/** Returns true if the group has snapshots. */
export async function hasGroupSnapshots(q: Query, groupId: string): Promise<boolean> {
  await settleGroupSnapshots(q)
  return Boolean(await q('group_snapshots').where({ group_id: groupId }).first('id'))
}

/** The snapshots of the volumes, oldest first. */
export async function snapshotsOfGroupSnapshot(q: Query, id: string): Promise<SnapshotRow[]> {
  return snapshotRows(await q('snapshots').where({ group_snapshot_id: id }).orderBy(['created_at', 'id']))
}

/**
 * Updates each group snapshot that is being made or deleted from the snapshots of its volumes: available or error when
 * all are made, removed when all are removed.
 */
export async function settleGroupSnapshots(q: Query): Promise<void> {
  const rows: GroupSnapshotRow[] = await q('group_snapshots').whereIn('status', ['creating', 'deleting'])
  for (const { id, status, updated_at } of rows) {
    // Set by hand: stays.
    if (status === 'creating' && updated_at !== null) continue
    const statuses = (await snapshotsOfGroupSnapshot(q, id)).map((snapshot) => snapshot.status)
    if (status === 'deleting') await settleDeletion(q, id, statuses)
    else if (!statuses.includes('creating')) {
      const to = statuses.some((one) => one === 'error') ? 'error' : 'available'
      await move(q, { table: 'group_snapshots', id, to, states: groupSnapshotStates, from: 'creating' })
    }
  }
}

async function settleDeletion(q: Query, id: string, statuses: string[]): Promise<void> {
  if (statuses.length === 0) await q('group_snapshots').where({ id, status: 'deleting' }).delete()
  else if (!statuses.includes('deleting')) {
    const to = 'error_deleting'
    await move(q, { table: 'group_snapshots', id, to, states: groupSnapshotStates, from: 'deleting' })
  }
}
