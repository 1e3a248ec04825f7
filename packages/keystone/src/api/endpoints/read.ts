import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { type Endpoint, findEndpoint, listEndpoints as list } from '../../model/endpoints/store.ts'
import { notFound } from '../../model/errors.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection, member } from '../links.ts'

/** Returns the view of an endpoint. */
export function viewEndpoint(endpoint: Endpoint, base: string): Body {
  const { id, regionId, serviceId, url, enabled } = endpoint
  return member(base, 'endpoints', {
    ...endpoint.extra,
    id,
    interface: endpoint.interface,
    region_id: regionId,
    region: regionId,
    service_id: serviceId,
    url,
    enabled,
  })
}

/** Returns the endpoint with this id. Throws ResourceNotFound (404). */
export async function getEndpoint(query: Query, id: string): Promise<Endpoint> {
  const endpoint = await findEndpoint(query, id)
  if (!endpoint) throw notFound('endpoint', id)
  return endpoint
}

/** GET /endpoints: filters by interface, service_id and region_id. */
export async function listEndpoints(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, { interface: 'text', service_id: 'text', region_id: 'text' })
  const items = (await list(deps.database.query, filters.exact)).map((endpoint) => viewEndpoint(endpoint, base))
  return collection(request, { name: 'endpoints', base, items: items.filter(filters.matches) })
}

/** GET /endpoints/{endpoint_id}. */
export async function showEndpoint(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const endpoint = await getEndpoint(deps.database.query, request.params.endpoint_id!)
  return { endpoint: viewEndpoint(endpoint, baseOf(request, deps.publicUrl)) }
}
