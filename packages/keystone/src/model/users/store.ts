import type { Query } from '@hearth/database'
import { duplicateName } from '../errors.ts'
import type { Filters, Page } from '../list-query.ts'
import { removePasswordHistory, removeReceipts } from '../login/store.ts'
import { domainOf } from '../projects/store.ts'
import { type Attributes, orNull, type Row, readJson, rowsIn, unique } from '../store.ts'

export interface User {
  id: string
  domainId: string
  name: string
  enabled: boolean
  defaultProjectId: string | null
  passwordHash: string | null
  /** Milliseconds since the epoch, as all times here; null for a password from before the migration `0009-log-in`. */
  passwordCreatedAt: number | null
  /** Null: never. */
  passwordExpiresAt: number | null
  /** True when the user chose the password. */
  passwordSelfService: boolean
  /** Null for a user from before the migration `0009-log-in`. */
  createdAt: number | null
  lastActiveAt: number | null
  options: Attributes
  /** Other attributes of the request: email, description … */
  extra: Attributes
}

/** Password columns of a user without a password. */
export const noPassword = {
  passwordHash: null,
  passwordCreatedAt: null,
  passwordExpiresAt: null,
  passwordSelfService: false,
} as const

/** A user with the fields of its domain that a log-in needs. */
export interface Login extends User {
  domainName: string
  domainEnabled: boolean
}

/** User by id, or by name and domain. */
export type UserReference = { id: string } | { name: string; domain: { id?: string; name?: string } }

/** Returns the user with this id, or null. */
export async function findUser(query: Query, id: string): Promise<User | null> {
  const row: Row | undefined = await query('users').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the users with these ids, in no order; leaves out unknown ids. */
export async function usersById(query: Query, ids: string[]): Promise<User[]> {
  return (await rowsIn(query, 'users', 'id', ids)).map(fromRow)
}

/** Returns a user with its domain, found by id or by name and domain; null when there is none. */
export async function findLogin(query: Query, reference: UserReference): Promise<Login | null> {
  const domainId = 'id' in reference ? null : await domainOf(query, reference)
  if (!('id' in reference) && domainId === null) return null
  const search = query('users')
    .join('projects', 'projects.id', 'users.domain_id')
    .select('users.*', 'projects.name as domain_name', 'projects.enabled as domain_enabled')
  if ('id' in reference) search.where('users.id', reference.id)
  else search.where({ 'users.name': reference.name, 'users.domain_id': domainId })
  const row: Row | undefined = await search.first()
  if (!row) return null
  return { ...fromRow(row), domainName: String(row.domain_name), domainEnabled: Boolean(row.domain_enabled) }
}

/** Returns one page of the users whose columns equal `exact`, ordered by id. */
export async function listUsers(query: Query, exact: Filters['exact'], page: Page): Promise<User[]> {
  const search = query('users').where(exact).orderBy('id')
  if (page.marker) search.where('id', '>', page.marker)
  if (page.limit) search.limit(page.limit)
  return (await search).map(fromRow)
}

/** Inserts a user. Throws AlreadyExists (409) when its domain has a user of this name. */
export async function insertUser(query: Query, user: User): Promise<void> {
  await unique(query('users').insert(toRow(user)), () => duplicateName('user', user.name))
}

/**
 * Writes all columns of a user except those that log-ins change. Throws AlreadyExists (409) when its domain has another
 * user of this name.
 */
export async function saveUser(query: Query, user: User): Promise<void> {
  await unique(query('users').where({ id: user.id }).update(toRow(user)), () => duplicateName('user', user.name))
}

/**
 * Removes a user with memberships, assignments, credentials, receipts, old passwords and all trusts by or to the user.
 */
export async function removeUser(query: Query, id: string): Promise<void> {
  await query('users').where({ id }).delete()
  await query('group_members').where({ user_id: id }).delete()
  await query('role_assignments').where({ actor_type: 'user', actor_id: id }).delete()
  await query('user_credentials').where({ user_id: id }).delete()
  await removeReceipts(query, id)
  await removePasswordHistory(query, id)
  const owned = query('application_credentials').where({ user_id: id }).select('id')
  await query('application_credential_rules').whereIn('application_credential_id', owned).delete()
  await query('application_credentials').where({ user_id: id }).delete()
  await query('access_rules').where({ user_id: id }).delete()
  await query('trusts').where({ trustor_user_id: id }).orWhere({ trustee_user_id: id }).delete()
}

/** Clears the default project of all users who have this project. */
export async function clearDefaultProject(query: Query, projectId: string): Promise<void> {
  await query('users').where({ default_project_id: projectId }).update({ default_project_id: null })
}

const timeOrNull = (column: unknown): number | null => (column === null || column === undefined ? null : Number(column))

function fromRow(row: Row): User {
  return {
    id: String(row.id),
    domainId: String(row.domain_id),
    name: String(row.name),
    enabled: Boolean(row.enabled),
    defaultProjectId: orNull(row.default_project_id),
    passwordHash: orNull(row.password_hash),
    passwordCreatedAt: timeOrNull(row.password_created_at),
    passwordExpiresAt: timeOrNull(row.password_expires_at),
    passwordSelfService: Boolean(row.password_self_service),
    createdAt: timeOrNull(row.created_at),
    lastActiveAt: timeOrNull(row.last_active_at),
    options: readJson(row.options),
    extra: readJson(row.extra),
  }
}

function toRow(user: User): Row {
  return {
    id: user.id,
    domain_id: user.domainId,
    name: user.name,
    enabled: user.enabled,
    default_project_id: user.defaultProjectId,
    password_hash: user.passwordHash,
    password_created_at: user.passwordCreatedAt,
    password_expires_at: user.passwordExpiresAt,
    password_self_service: user.passwordSelfService,
    created_at: user.createdAt,
    options: JSON.stringify(user.options),
    extra: JSON.stringify(user.extra),
  }
}
