import { setOwn } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import type { SnapshotRef } from '@hearth/driver'
import { errors } from '../errors.ts'
import { type VolumeRow, volumeRef } from '../volumes/store.ts'

/** A row of `snapshots`; `size` is the size of the volume in GiB when the snapshot was created. */
export interface SnapshotRow {
  id: string
  volume_id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  size: number
  status: string
  previous_status: string | null
  progress: string | null
  volume_type_id: string | null
  group_snapshot_id: string | null
  use_quota: boolean
  provider_location: string | null
  /** Name on the backend if it is not `snapshot-<id>`. */
  backend_name: string | null
  created_at: number
  updated_at: number | null
}

type NewSnapshot = Pick<SnapshotRow, 'id' | 'volume_id' | 'project_id' | 'user_id' | 'size' | 'status'> &
  Partial<SnapshotRow>

/** Returns rows of a query as typed snapshots; booleans are numbers in some databases. */
export function snapshotRows(rows: unknown[]): SnapshotRow[] {
  return (rows as SnapshotRow[]).map((row) => {
    row.use_quota = Boolean(row.use_quota)
    return row
  })
}

/** Returns the snapshot, or undefined if there is none. */
export async function findSnapshot(q: Query, id: string): Promise<SnapshotRow | undefined> {
  const row = await q('snapshots').where({ id }).first()
  return row && snapshotRows([row])[0]
}

/** Returns the snapshot. Throws SnapshotNotFound (404). */
export async function getSnapshot(q: Query, id: string): Promise<SnapshotRow> {
  const row = await findSnapshot(q, id)
  if (!row) throw errors.SnapshotNotFound({ snapshot_id: id })
  return row
}

/** Inserts a snapshot with defaults for absent columns, and returns it. */
export async function createSnapshotRow(tx: Transaction, snapshot: NewSnapshot): Promise<SnapshotRow> {
  const row: SnapshotRow = {
    name: null,
    description: null,
    previous_status: null,
    progress: null,
    volume_type_id: null,
    group_snapshot_id: null,
    use_quota: true,
    provider_location: null,
    backend_name: null,
    created_at: Date.now(),
    updated_at: null,
    ...snapshot,
  }
  await tx('snapshots').insert(row)
  return row
}

/** Updates columns other than the status. Returns false if the row is gone. */
export async function updateSnapshot(
  tx: Query,
  id: string,
  set: Partial<Omit<SnapshotRow, 'status'>>,
): Promise<boolean> {
  return (
    (await tx('snapshots')
      .where({ id })
      .update({ updated_at: Date.now(), ...set })) > 0
  )
}

/** Deletes the row and its metadata; the caller releases quota. Returns false if the row was gone. */
export async function deleteSnapshotRow(tx: Transaction, id: string): Promise<boolean> {
  const deleted = (await tx('snapshots').where({ id }).delete()) > 0
  await tx('snapshot_metadata').where({ snapshot_id: id }).delete()
  return deleted
}

/** Returns the snapshots of a volume, oldest first. */
export async function snapshotsOf(q: Query, volumeId: string): Promise<SnapshotRow[]> {
  return snapshotRows(await q('snapshots').where({ volume_id: volumeId }).orderBy(['created_at', 'id']))
}

/** Returns the reference by which drivers know the snapshot. */
export function snapshotRef(
  row: Pick<SnapshotRow, 'id' | 'provider_location' | 'backend_name'>,
  volume: VolumeRow,
): SnapshotRef {
  return {
    id: row.id,
    name: row.backend_name ?? `snapshot-${row.id}`,
    volume: volumeRef(volume),
    providerLocation: row.provider_location,
  }
}

/** Returns snapshot id → metadata, with an entry for each of `ids`. */
export async function readSnapshotMetadata(q: Query, ids: string[]): Promise<Map<string, Record<string, string>>> {
  const all = new Map<string, Record<string, string>>(ids.map((id) => [id, {}]))
  for (const { snapshot_id, key, value } of await q('snapshot_metadata').whereIn('snapshot_id', ids)) {
    setOwn(all.get(snapshot_id)!, key, value)
  }
  return all
}

/** Sets the keys of `entries`; `replace` also deletes all other keys. */
export async function writeSnapshotMetadata(
  tx: Transaction,
  id: string,
  entries: Record<string, string>,
  replace = false,
): Promise<void> {
  const rows = Object.entries(entries).map(([key, value]) => ({ snapshot_id: id, key, value }))
  if (replace) await tx('snapshot_metadata').where({ snapshot_id: id }).delete()
  if (rows.length > 0) await tx('snapshot_metadata').insert(rows).onConflict(['snapshot_id', 'key']).merge(['value'])
}

/** Deletes one key. Returns false if there was no such key. */
export async function deleteSnapshotMetadata(tx: Query, id: string, key: string): Promise<boolean> {
  return (await tx('snapshot_metadata').where({ snapshot_id: id, key }).delete()) > 0
}
