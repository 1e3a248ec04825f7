import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import { duplicateName } from '../errors.ts'
import type { Filters, Page } from '../list-query.ts'
import { type Attributes, type Row, readJson, rowsIn, unique } from '../store.ts'

export interface Group {
  id: string
  domainId: string
  name: string
  description: string
  extra: Attributes
}

/** Returns the group with this id, or null. */
export async function findGroup(query: Query, id: string): Promise<Group | null> {
  const row: Row | undefined = await query('user_groups').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the groups with these ids, in no order; leaves out unknown ids. */
export async function groupsById(query: Query, ids: string[]): Promise<Group[]> {
  return (await rowsIn(query, 'user_groups', 'id', ids)).map(fromRow)
}

/** Returns one page of the groups whose columns equal `exact`, ordered by id. */
export async function listGroups(query: Query, exact: Filters['exact'], page: Page): Promise<Group[]> {
  const search = query('user_groups').where(exact).orderBy('id')
  if (page.marker) search.where('id', '>', page.marker)
  if (page.limit) search.limit(page.limit)
  return (await search).map(fromRow)
}

/** Inserts a group. Throws AlreadyExists (409) when its domain has a group of this name. */
export async function insertGroup(query: Query, group: Group): Promise<void> {
  await unique(query('user_groups').insert(toRow(group)), () => duplicateName('group', group.name))
}

/** Writes all columns of a group. Throws AlreadyExists (409) when its domain has another group of this name. */
export async function saveGroup(query: Query, group: Group): Promise<void> {
  const write = query('user_groups').where({ id: group.id }).update(toRow(group))
  await unique(write, () => duplicateName('group', group.name))
}

/** Removes a group with its memberships and role assignments. */
export async function removeGroup(query: Query, id: string): Promise<void> {
  await query('user_groups').where({ id }).delete()
  await query('group_members').where({ group_id: id }).delete()
  await query('role_assignments').where({ actor_type: 'group', actor_id: id }).delete()
}

/** Returns the user ids of the members of a group, in order. */
export async function memberIds(query: Query, groupId: string): Promise<string[]> {
  return query('group_members').where({ group_id: groupId }).orderBy('user_id').pluck('user_id')
}

/** Returns the ids of the groups of a user, in order. */
export async function groupIdsOf(query: Query, userId: string): Promise<string[]> {
  return query('group_members').where({ user_id: userId }).orderBy('group_id').pluck('group_id')
}

/** Returns true when the user is a member of the group. */
export async function isMember(query: Query, groupId: string, userId: string): Promise<boolean> {
  return (await query('group_members').where({ group_id: groupId, user_id: userId }).first()) !== undefined
}

/** Adds a user to a group; does nothing when the user is a member. */
export async function insertMember(tx: Transaction, groupId: string, userId: string): Promise<void> {
  await insertIfAbsent(tx, 'group_members', { group_id: groupId, user_id: userId })
}

/** Removes a user from a group. Returns false when the user was not a member. */
export async function removeMember(query: Query, groupId: string, userId: string): Promise<boolean> {
  return (await query('group_members').where({ group_id: groupId, user_id: userId }).delete()) > 0
}

function fromRow(row: Row): Group {
  return {
    id: String(row.id),
    domainId: String(row.domain_id),
    name: String(row.name),
    description: String(row.description),
    extra: readJson(row.extra),
  }
}

function toRow(group: Group): Row {
  return {
    id: group.id,
    domain_id: group.domainId,
    name: group.name,
    description: group.description,
    extra: JSON.stringify(group.extra),
  }
}
