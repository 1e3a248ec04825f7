import type { AccessRule } from '@hearth/core'
import type { Query } from '@hearth/database'
import { duplicateName } from '../errors.ts'
import { type Row, unique } from '../store.ts'

export interface AppCredential {
  id: string
  userId: string
  projectId: string
  name: string
  description: string | null
  secretHash: string
  roleIds: string[]
  unrestricted: boolean
  /** Microseconds since the epoch; null: never. */
  expiresAtMicros: number | null
  /** Access rules; null: every call that the roles allow. */
  accessRules: Required<AccessRule>[] | null
}

/** Returns the application credential with this id, or null. */
export async function findAppCredential(query: Query, id: string): Promise<AppCredential | null> {
  return (await load(query, { id }))[0] ?? null
}

/** Returns the user's application credential with this name, or null. */
export async function findAppCredentialByName(
  query: Query,
  userId: string,
  name: string,
): Promise<AppCredential | null> {
  return (await load(query, { user_id: userId, name }))[0] ?? null
}

/** Returns the user's application credentials, ordered by id. */
export async function listAppCredentials(query: Query, where: { user_id: string; name?: string }) {
  return load(query, where)
}

async function load(query: Query, where: Row): Promise<AppCredential[]> {
  const rows: Row[] = await query('application_credentials').where(where).orderBy('id')
  if (rows.length === 0) return []
  const ids = rows.map((row) => String(row.id))
  const rules: Row[] = await query('application_credential_rules as link')
    .join('access_rules as rule', 'rule.id', 'link.access_rule_id')
    .whereIn('link.application_credential_id', ids)
    .select('link.application_credential_id as owner', 'rule.id', 'rule.service', 'rule.method', 'rule.path')
  const byOwner = Map.groupBy(rules, (rule) => String(rule.owner))
  return rows.map((row) => fromRow(row, byOwner.get(String(row.id)) ?? []))
}

/**
 * Inserts an application credential with its access rules. Throws AlreadyExists (409) when the user has one of this
 * name.
 */
export async function insertAppCredential(query: Query, credential: AppCredential): Promise<void> {
  const row = {
    id: credential.id,
    user_id: credential.userId,
    project_id: credential.projectId,
    name: credential.name,
    description: credential.description,
    secret_hash: credential.secretHash,
    role_ids: JSON.stringify(credential.roleIds),
    unrestricted: credential.unrestricted,
    expires_at_micros: credential.expiresAtMicros,
  }
  const conflict = () => duplicateName('application_credential', credential.name)
  await unique(query('application_credentials').insert(row), conflict)
  for (const rule of credential.accessRules ?? [])
    await query('application_credential_rules').insert({
      application_credential_id: credential.id,
      access_rule_id: rule.id,
    })
}

/** Removes an application credential; its access rules stay. */
export async function removeAppCredential(query: Query, id: string): Promise<void> {
  await query('application_credential_rules').where({ application_credential_id: id }).delete()
  await query('application_credentials').where({ id }).delete()
}

/** Removes all application credentials of a user for a project. */
export async function removeAppCredentialsOf(query: Query, userId: string, projectId: string): Promise<void> {
  const ids: string[] = await query('application_credentials')
    .where({ user_id: userId, project_id: projectId })
    .pluck('id')
  for (const id of ids) await removeAppCredential(query, id)
}

function fromRow(row: Row, rules: Row[]): AppCredential {
  const accessRules = rules.map((rule) => ({
    id: String(rule.id),
    service: String(rule.service),
    method: String(rule.method),
    path: String(rule.path),
  }))
  return {
    id: String(row.id),
    userId: String(row.user_id),
    projectId: String(row.project_id),
    name: String(row.name),
    description: row.description === null ? null : String(row.description),
    secretHash: String(row.secret_hash),
    roleIds: JSON.parse(String(row.role_ids)) as string[],
    unrestricted: Boolean(row.unrestricted),
    expiresAtMicros: row.expires_at_micros === null ? null : Number(row.expires_at_micros),
    accessRules: accessRules.length > 0 ? accessRules : null,
  }
}
