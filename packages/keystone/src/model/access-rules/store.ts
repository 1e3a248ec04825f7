import type { AccessRule } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { Row } from '../store.ts'

/** Access rule of a user. */
export type StoredRule = Required<AccessRule>

/** Returns the user's access rules whose columns equal `filter`, ordered by id. */
export async function listRules(query: Query, userId: string, filter: Partial<StoredRule>): Promise<StoredRule[]> {
  return (
    await query('access_rules')
      .where({ user_id: userId, ...filter })
      .orderBy('id')
  ).map(fromRow)
}

/** Returns the user's access rule with this id, or null. */
export async function findRuleOf(query: Query, userId: string, id: string): Promise<StoredRule | null> {
  const row: Row | undefined = await query('access_rules').where({ id, user_id: userId }).first()
  return row ? fromRow(row) : null
}

/** Returns the user's access rule with this service, method and path, or null. */
export async function findRuleByContent(
  query: Query,
  userId: string,
  content: Omit<StoredRule, 'id'>,
): Promise<StoredRule | null> {
  const row: Row | undefined = await query('access_rules')
    .where({ user_id: userId, ...content })
    .first()
  return row ? fromRow(row) : null
}

/** Inserts an access rule of a user. */
export async function insertRule(query: Query, userId: string, rule: StoredRule): Promise<void> {
  await query('access_rules').insert({ ...rule, user_id: userId })
}

/** Returns true when an application credential uses the access rule. */
export async function isUsed(query: Query, id: string): Promise<boolean> {
  return (await query('application_credential_rules').where({ access_rule_id: id }).first()) !== undefined
}

/** Removes an access rule. */
export async function removeRule(query: Query, id: string): Promise<void> {
  await query('access_rules').where({ id }).delete()
}

function fromRow(row: Row): StoredRule {
  return { id: String(row.id), service: String(row.service), method: String(row.method), path: String(row.path) }
}
