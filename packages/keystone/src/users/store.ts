import type { Query } from '@hearth/database'
import { duplicateName } from '../errors.ts'
import type { Filters, Page } from '../filters.ts'
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
  /** Milliseconds since the epoch, as all times here; null for passwords of before there were rules. */
  passwordCreatedAt: number | null
  passwordExpiresAt: number | null
  /** True when the user has chosen the password. */
  passwordSelfService: boolean
  createdAt: number | null
  lastActiveAt: number | null
  options: Attributes
  /** Whatever else was given: email, description … */
  extra: Attributes
}

/** The columns of a user without a password. */
export const noPassword = {
  passwordHash: null,
  passwordCreatedAt: null,
  passwordExpiresAt: null,
  passwordSelfService: false,
} as const

/** A user with what logging in needs to know of its domain. */
export interface Login extends User {
  domainName: string
  domainEnabled: boolean
}

export type UserReference = { id: string } | { name: string; domain: { id?: string; name?: string } }

export async function findUser(query: Query, id: string): Promise<User | null> {
  const row: Row | undefined = await query('users').where({ id }).first()
  return row ? fromRow(row) : null
}

export async function usersById(query: Query, ids: string[]): Promise<User[]> {
  return (await rowsIn(query, 'users', 'id', ids)).map(fromRow)
}

/** A user, by id or by name and domain, with its domain. */
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

export async function listUsers(query: Query, exact: Filters['exact'], page: Page): Promise<User[]> {
  const search = query('users').where(exact).orderBy('id')
  if (page.marker) search.where('id', '>', page.marker)
  if (page.limit) search.limit(page.limit)
  return (await search).map(fromRow)
}

export async function insertUser(query: Query, user: User): Promise<void> {
  await unique(query('users').insert(toRow(user)), () => duplicateName('user', user.name))
}

export async function saveUser(query: Query, user: User): Promise<void> {
  await unique(query('users').where({ id: user.id }).update(toRow(user)), () => duplicateName('user', user.name))
}

/** Removes a user with memberships, assignments, credentials and everything delegated by or to it. */
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
