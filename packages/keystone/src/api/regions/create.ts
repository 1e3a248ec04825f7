import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { invalid } from '../../model/errors.ts'
import { extrasOf } from '../../model/extras.ts'
import { insertRegion, type Region } from '../../model/regions/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getRegion, viewRegion } from './read.ts'
import { known, type RegionInput } from './schema.ts'

/**
 * POST /regions and PUT /regions/{region_id}. Throws AlreadyExists (409), ResourceNotFound (404) for an unknown parent.
 */
export async function createRegion(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { region: RegionInput }).region
  const { region_id } = request.params
  if (region_id !== undefined && given.id && given.id !== region_id) throw invalid('The ids of path and body differ.')
  const region: Region = {
    id: region_id ?? (given.id || hexId()),
    description: given.description ?? '',
    parentRegionId: given.parent_region_id ?? null,
    extra: extrasOf(given, known),
  }
  await commit(deps, async (tx) => {
    if (region.parentRegionId !== null) await getRegion(tx, region.parentRegionId)
    await insertRegion(tx, region)
  })
  return { region: viewRegion(region, baseOf(request, deps.publicUrl)) }
}
