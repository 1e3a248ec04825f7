import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { findService, listServices as list, type Service } from '../../model/services/store.ts'
import { queryText, readFilters } from '../filters.ts'
import { type Body, baseOf, collection, member } from '../links.ts'

/** Returns the view of a service. */
export function viewService(service: Service, base: string): Body {
  const { id, type, enabled, extra } = service
  return member(base, 'services', { name: '', ...extra, id, type, enabled })
}

/** Returns the service with this id. Throws ResourceNotFound (404). */
export async function getService(query: Query, id: string): Promise<Service> {
  const service = await findService(query, id)
  if (!service) throw notFound('service', id)
  return service
}

/** GET /services: filters by type and name. */
export async function listServices(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, { type: 'text' })
  const name = queryText(request.query, 'name')
  const services = await list(deps.database.query, filters.exact)
  const named = services.filter((service) => name === undefined || service.extra.name === name)
  const items = named.map((service) => viewService(service, base)).filter(filters.matches)
  return collection(request, { name: 'services', base, items })
}

/** GET /services/{service_id}. */
export async function showService(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const service = await getService(deps.database.query, request.params.service_id!)
  return { service: viewService(service, baseOf(request, deps.publicUrl)) }
}
