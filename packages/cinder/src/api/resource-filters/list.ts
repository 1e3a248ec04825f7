import type { Context } from '@hearth/core'
import { type ApiRequest, queryValue } from '@hearth/http'
import { resourceFilters } from './known.ts'

/** GET /resource_filters, of one resource or of all. */
export async function listResourceFilters(_context: Context, request: ApiRequest) {
  const wanted = queryValue(request.query, 'resource')
  const shown = Object.entries(resourceFilters).filter(([resource]) => wanted === undefined || resource === wanted)
  return { resource_filters: shown.map(([resource, filters]) => ({ resource, filters })) }
}
