import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import { duplicateName } from '../errors.ts'
import type { Filters } from '../list-query.ts'
import { type Attributes, orNull, type Row, readJson, rowsIn, unique } from '../store.ts'

export interface Role {
  id: string
  /** Null for a global role; tokens contain only global roles. */
  domainId: string | null
  name: string
  description: string | null
  options: Attributes
  extra: Attributes
}

interface Implication {
  priorId: string
  impliedId: string
}

/** Returns the role with this id, or null. */
export async function findRole(query: Query, id: string): Promise<Role | null> {
  const row: Row | undefined = await query('roles').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the roles with these ids, in no order; leaves out unknown ids. */
export async function rolesById(query: Query, ids: string[]): Promise<Role[]> {
  return (await rowsIn(query, 'roles', 'id', ids)).map(fromRow)
}

/** Returns the global roles with these names, in no order. */
export async function globalRolesByName(query: Query, names: string[]): Promise<Role[]> {
  return (await query('roles').whereIn('name', names).where({ domain_id: '' })).map(fromRow)
}

/** Returns the roles whose columns equal `exact`, ordered by id; global roles unless `exact` names a domain. */
export async function listRoles(query: Query, exact: Filters['exact']): Promise<Role[]> {
  return (
    await query('roles')
      .where({ domain_id: '', ...exact })
      .orderBy('id')
  ).map(fromRow)
}

/** Inserts a role. Throws AlreadyExists (409) when its name is taken. */
export async function insertRole(query: Query, role: Role): Promise<void> {
  await unique(query('roles').insert(toRow(role)), () => duplicateName('role', role.name))
}

/** Writes all columns of a role. Throws AlreadyExists (409) when its name is taken. */
export async function saveRole(query: Query, role: Role): Promise<void> {
  await unique(query('roles').where({ id: role.id }).update(toRow(role)), () => duplicateName('role', role.name))
}

/** Removes a role with its implications and assignments. */
export async function removeRole(query: Query, id: string): Promise<void> {
  await query('roles').where({ id }).delete()
  await query('implied_roles').where({ prior_role_id: id }).orWhere({ implied_role_id: id }).delete()
  await query('role_assignments').where({ role_id: id }).delete()
}

/** Returns all direct implications, or those of one prior role. */
export async function listImplications(query: Query, priorId?: string): Promise<Implication[]> {
  const search = query('implied_roles').orderBy(['prior_role_id', 'implied_role_id'])
  if (priorId) search.where({ prior_role_id: priorId })
  const rows: Row[] = await search
  return rows.map((row) => ({ priorId: String(row.prior_role_id), impliedId: String(row.implied_role_id) }))
}

/** Returns true when the prior role directly implies the other. */
export async function hasImplication(query: Query, priorId: string, impliedId: string): Promise<boolean> {
  const found = await query('implied_roles').where({ prior_role_id: priorId, implied_role_id: impliedId }).first()
  return found !== undefined
}

/** Inserts an implication; does nothing when it exists. */
export async function insertImplication(tx: Transaction, priorId: string, impliedId: string): Promise<void> {
  await insertIfAbsent(tx, 'implied_roles', { prior_role_id: priorId, implied_role_id: impliedId })
}

/** Removes an implication. Returns false when there was none. */
export async function removeImplication(query: Query, priorId: string, impliedId: string): Promise<boolean> {
  return (await query('implied_roles').where({ prior_role_id: priorId, implied_role_id: impliedId }).delete()) > 0
}

function fromRow(row: Row): Role {
  return {
    id: String(row.id),
    domainId: orNull(row.domain_id),
    name: String(row.name),
    description: row.description === null ? null : String(row.description),
    options: readJson(row.options),
    extra: readJson(row.extra),
  }
}

function toRow(role: Role): Row {
  return {
    id: role.id,
    domain_id: role.domainId ?? '',
    name: role.name,
    description: role.description,
    options: JSON.stringify(role.options),
    extra: JSON.stringify(role.extra),
  }
}
