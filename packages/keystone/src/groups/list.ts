import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../deps.ts'
import { readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { isVisible } from '../targets.ts'
import { renderGroup } from './render.ts'
import { listGroups as list } from './store.ts'

/** GET /groups, by name and domain_id. */
export async function listGroups(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, { name: 'text', domain_id: 'text' })
  const base = baseOf(request, deps.publicUrl)
  const groups = await list(deps.database.query, filters.exact, readPage(request.query))
  const items = groups
    .filter(isVisible(context))
    .map((group) => renderGroup(group, base))
    .filter(filters.matches)
  return collection(request, { name: 'groups', base, items })
}
