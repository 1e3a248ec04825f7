import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { listGroups as list } from '../../model/groups/store.ts'
import { cutPage, readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { withinDomain } from '../targets.ts'
import { viewGroup } from './view.ts'

/** GET /groups: filters by name and domain_id. */
export async function listGroups(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, { name: 'text', domain_id: 'text' })
  const page = readPage(request.query)
  const base = baseOf(request, deps.publicUrl)
  const exact = withinDomain(context, filters.exact)
  const groups = exact ? await list(deps.database.query, exact, filters.isExact ? page : {}) : []
  const items = groups.map((group) => viewGroup(group, base)).filter(filters.matches)
  return collection(request, { name: 'groups', base, items: cutPage(items, page) })
}
