import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { findRuleOf, listRules, type StoredRule } from '../../model/access-rules/store.ts'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection, member } from '../links.ts'

/** GET /users/{user_id}/access_rules: filters by service, method and path. */
export async function listAccessRules(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const userId = request.params.user_id!
  const filters = readFilters(request.query, { service: 'text', method: 'text', path: 'text' })
  const rules = await listRules(deps.database.query, userId, filters.exact as Partial<StoredRule>)
  const items = rules.map((rule) => member(base, `users/${userId}/access_rules`, { ...rule }))
  return collection(request, { name: 'access_rules', base, items })
}

/** GET /users/{user_id}/access_rules/{access_rule_id}. Throws ResourceNotFound (404). */
export async function showAccessRule(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const rule = await getAccessRule(deps.database.query, request)
  const base = baseOf(request, deps.publicUrl)
  return { access_rule: member(base, `users/${request.params.user_id}/access_rules`, { ...rule }) }
}

/** Returns the access rule that the path names. Throws ResourceNotFound (404). */
export async function getAccessRule(query: Query, { params }: ApiRequest): Promise<StoredRule> {
  const rule = await findRuleOf(query, params.user_id!, params.access_rule_id!)
  if (!rule) throw notFound('access rule', params.access_rule_id!)
  return rule
}
