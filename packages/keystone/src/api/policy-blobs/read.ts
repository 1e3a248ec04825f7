import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { findPolicy, listPolicies as list, type PolicyBlob } from '../../model/policy-blobs/store.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection, member } from '../links.ts'

/** Returns the view of a policy. */
export function viewPolicy({ id, type, blob, extra }: PolicyBlob, base: string): Body {
  return member(base, 'policies', { ...extra, id, type, blob })
}

/** Returns the policy with this id. Throws ResourceNotFound (404). */
export async function getPolicy(query: Query, id: string): Promise<PolicyBlob> {
  const policy = await findPolicy(query, id)
  if (!policy) throw notFound('policy', id)
  return policy
}

/** GET /policies: filters by type. */
export async function listPolicies(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, { type: 'text' })
  const items = (await list(deps.database.query, filters.exact)).map((policy) => viewPolicy(policy, base))
  return collection(request, { name: 'policies', base, items: items.filter(filters.matches) })
}

/** GET /policies/{policy_id}. */
export async function showPolicy(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const policy = await getPolicy(deps.database.query, request.params.policy_id!)
  return { policy: viewPolicy(policy, baseOf(request, deps.publicUrl)) }
}
