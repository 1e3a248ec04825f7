import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { findRegion, listRegions as list, type Region } from '../../model/regions/store.ts'
import { readFilters } from '../filters.ts'
import { type Body, baseOf, collection, member } from '../links.ts'

/** Returns the view of a region. */
export function viewRegion(region: Region, base: string): Body {
  const { id, description, parentRegionId } = region
  return member(base, 'regions', { ...region.extra, id, description, parent_region_id: parentRegionId })
}

/** Returns the region with this id. Throws ResourceNotFound (404). */
export async function getRegion(query: Query, id: string): Promise<Region> {
  const region = await findRegion(query, id)
  if (!region) throw notFound('region', id)
  return region
}

/** GET /regions: filters by parent_region_id. */
export async function listRegions(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const filters = readFilters(request.query, { parent_region_id: 'text' })
  const items = (await list(deps.database.query, filters.exact)).map((region) => viewRegion(region, base))
  return collection(request, { name: 'regions', base, items: items.filter(filters.matches) })
}

/** GET /regions/{region_id}. */
export async function showRegion(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const region = await getRegion(deps.database.query, request.params.region_id!)
  return { region: viewRegion(region, baseOf(request, deps.publicUrl)) }
}
