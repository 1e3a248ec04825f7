import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { listRoles as list } from '../../model/roles/store.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { viewRole } from './view.ts'

/** GET /roles: the global roles, or those of `domain_id`; filters by name. */
export async function listRoles(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, { name: 'text', domain_id: 'text' })
  const base = baseOf(request, deps.publicUrl)
  const roles = await list(deps.database.query, filters.exact)
  const items = roles.map((role) => viewRole(role, base)).filter(filters.matches)
  return collection(request, { name: 'roles', base, items })
}
