import { setOwn } from '@hearth/core'
import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import { errors } from '../errors.ts'

export interface GroupType {
  id: string
  name: string
  description: string | null
  isPublic: boolean
  specs: Record<string, string>
}

export interface GroupTypeRow {
  id: string
  name: string
  description: string | null
  is_public: boolean | number
  created_at: number
}

/** The type of this id, else of this name. Throws GroupTypeNotFound (404). */
export async function findGroupType(q: Query, idOrName: string): Promise<GroupType> {
  const rows: GroupTypeRow[] = await q('group_types').where({ id: idOrName }).orWhere({ name: idOrName })
  const row = rows.find(({ id }) => id === idOrName) ?? rows[0]
  if (!row) throw errors.GroupTypeNotFound({ group_type_id: idOrName })
  return (await joinSpecs(q, [row]))[0]!
}

/** Throws GroupTypeNotFound (404). */
export async function getGroupType(q: Query, id: string): Promise<GroupType> {
  const row: GroupTypeRow | undefined = await q('group_types').where({ id }).first()
  if (!row) throw errors.GroupTypeNotFound({ group_type_id: id })
  return (await joinSpecs(q, [row]))[0]!
}

/** Returns the group types of the rows with their specs. */
export async function joinSpecs(q: Query, rows: GroupTypeRow[]): Promise<GroupType[]> {
  const types = new Map<string, GroupType>()
  for (const { id, name, description, is_public } of rows) {
    types.set(id, { id, name, description, isPublic: Boolean(is_public), specs: {} })
  }
  const specs = await q('group_type_specs').whereIn('group_type_id', [...types.keys()])
  for (const { group_type_id, spec_key, spec_value } of specs)
    setOwn(types.get(group_type_id)!.specs, spec_key, spec_value)
  return [...types.values()]
}

/** Throws GroupTypeExists (409). */
export async function insertGroupType(tx: Transaction, type: GroupType): Promise<void> {
  const { id, name, description, isPublic, specs } = type
  const now = Date.now()
  const row = { id, name, description, is_public: isPublic, created_at: now, updated_at: now }
  if (!(await insertIfAbsent(tx, 'group_types', row))) throw errors.GroupTypeExists({ id: name })
  await writeGroupSpecs(tx, id, specs)
}

/** Throws GroupTypeExists (409). */
export async function updateGroupType(tx: Transaction, id: string, set: Partial<GroupTypeRow>): Promise<void> {
  if (set.name !== undefined) {
    const taken = await tx('group_types').where({ name: set.name }).whereNot({ id }).first('id')
    if (taken) throw errors.GroupTypeExists({ id: set.name })
  }
  await tx('group_types')
    .where({ id })
    .update({ ...set, updated_at: Date.now() })
}

/** Returns true if a group has this group type. */
export async function groupTypeInUse(q: Query, id: string): Promise<boolean> {
  return Boolean(await q('volume_groups').where({ group_type_id: id }).first('id'))
}

/** Deletes a group type with its specs. */
export async function deleteGroupTypeRow(tx: Transaction, id: string): Promise<void> {
  await tx('group_type_specs').where({ group_type_id: id }).delete()
  await tx('group_types').where({ id }).delete()
}

/** Sets the given keys, leaving the others. */
export async function writeGroupSpecs(tx: Transaction, id: string, specs: Record<string, string>): Promise<void> {
  for (const [spec_key, spec_value] of Object.entries(specs)) {
    const row = { group_type_id: id, spec_key, spec_value }
    await tx('group_type_specs').insert(row).onConflict(['group_type_id', 'spec_key']).merge(['spec_value'])
  }
}

/** True if there was such a key. */
export async function deleteGroupSpec(tx: Transaction, id: string, key: string): Promise<boolean> {
  return (await tx('group_type_specs').where({ group_type_id: id, spec_key: key }).delete()) > 0
}
