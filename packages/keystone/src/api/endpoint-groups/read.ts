import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { type EndpointGroup, findEndpointGroup, listEndpointGroups as list } from '../../model/endpoint-groups/store.ts'
import { notFound } from '../../model/errors.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection, member } from '../links.ts'

/** Returns the view of an endpoint group. */
export function viewEndpointGroup(group: EndpointGroup, base: string): Body {
  return member(base, 'OS-EP-FILTER/endpoint_groups', { ...group })
}

/** Returns the endpoint group with this id. Throws ResourceNotFound (404). */
export async function getEndpointGroup(query: Query, id: string): Promise<EndpointGroup> {
  const group = await findEndpointGroup(query, id)
  if (!group) throw notFound('endpoint group', id)
  return group
}

/** GET /OS-EP-FILTER/endpoint_groups: filters by name. */
export async function listEndpointGroups(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, { name: 'text' })
  const items = (await list(deps.database.query, filters.exact)).map((group) => viewEndpointGroup(group, base))
  return collection(request, { name: 'endpoint_groups', base, items: items.filter(filters.matches) })
}

/** GET and HEAD /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}. */
export async function showEndpointGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const group = await getEndpointGroup(deps.database.query, request.params.endpoint_group_id!)
  return { endpoint_group: viewEndpointGroup(group, baseOf(request, deps.publicUrl)) }
}
