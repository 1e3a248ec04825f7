import { move, type Query, type Transaction } from '@hearth/database'
import { errors } from '../errors.ts'
import { type VolumeRow, volumeRows } from '../volumes/store.ts'
import { groupStates } from './states.ts'

/** A row of `volume_groups`. */
export interface GroupRow {
  id: string
  project_id: string
  user_id: string
  name: string | null
  description: string | null
  status: string
  host: string | null
  availability_zone: string | null
  group_type_id: string
  group_snapshot_id: string | null
  source_group_id: string | null
  replication_status: string | null
  created_at: number
  updated_at: number | null
}

/** Throws GroupNotFound (404). */
export async function getGroup(q: Query, id: string): Promise<GroupRow> {
  const row = await q<GroupRow>('volume_groups').where({ id }).first()
  if (!row) throw errors.GroupNotFound({ group_id: id })
  return row as GroupRow
}

/** Inserts a group with its volume types. */
export async function insertGroup(tx: Transaction, row: GroupRow, volumeTypeIds: string[]): Promise<void> {
  await tx('volume_groups').insert(row)
  const types = [...new Set(volumeTypeIds)].map((volume_type_id) => ({ group_id: row.id, volume_type_id }))
  if (types.length > 0) await tx('volume_group_types').insert(types)
}

/** Writes columns other than the status. */
export async function updateGroup(tx: Query, id: string, set: Partial<Omit<GroupRow, 'status'>>): Promise<void> {
  await tx('volume_groups')
    .where({ id })
    .update({ updated_at: Date.now(), ...set })
}

/** False when it was gone. */
export async function deleteGroupRow(tx: Transaction, id: string): Promise<boolean> {
  await tx('volume_group_types').where({ group_id: id }).delete()
  return (await tx('volume_groups').where({ id }).delete()) > 0
}

/** The volumes of a group, oldest first. */
export async function volumesOfGroup(q: Query, id: string): Promise<VolumeRow[]> {
  return volumeRows(await q('volumes').where({ group_id: id }).orderBy(['created_at', 'id']))
}

/** Group id → ids of the volume types its volumes may have. */
export async function volumeTypesOf(q: Query, ids: string[]): Promise<Map<string, string[]>> {
  const types = new Map<string, string[]>(ids.map((id) => [id, []]))
  const rows = await q('volume_group_types').whereIn('group_id', ids).orderBy('volume_type_id')
  for (const { group_id, volume_type_id } of rows) types.get(group_id)!.push(volume_type_id)
  return types
}

/** Puts a volume into a group, or out of any. */
export async function setGroupOf(tx: Query, volumeId: string, groupId: string | null): Promise<void> {
  await tx('volumes').where({ id: volumeId }).update({ group_id: groupId, updated_at: Date.now() })
}

/**
 * Moves a group that is being made to available or error when all its volumes are. Read from the volumes, so that no
 * handler has to report to the group. A status set by an administrator (the row has an `updated_at`) stays.
 */
export async function settleGroups(q: Query): Promise<void> {
  const unfinished = q('volumes')
    .whereIn('status', ['creating', 'downloading'])
    .whereNotNull('group_id')
    .select('group_id')
  const failed = q('volumes').where({ status: 'error' }).whereNotNull('group_id').select('group_id')
  const ready = () =>
    q('volume_groups').where({ status: 'creating', updated_at: null }).whereNotIn('id', unfinished.clone())
  if (!(await ready().first('id'))) return
  const ids: string[] = await ready().pluck('id')
  const bad: string[] = await q('volume_groups').whereIn('id', ids).whereIn('id', failed).pluck('id')
  for (const id of ids) {
    const to = bad.includes(id) ? 'error' : 'available'
    await move(q, { table: 'volume_groups', id, to, states: groupStates, from: 'creating' })
  }
}
