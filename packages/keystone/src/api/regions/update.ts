import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { invalid } from '../../model/errors.ts'
import { mergeExtras } from '../../model/extras.ts'
import { saveRegion } from '../../model/regions/store.ts'
import { type Body, baseOf } from '../links.ts'
import { getRegion, viewRegion } from './read.ts'
import { known, type RegionInput } from './schema.ts'

/** PATCH /regions/{region_id}. Throws InvalidRequest (400) for a parent that is the region itself or below it. */
export async function updateRegion(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { region: RegionInput }).region
  const region = await commit(deps, async (tx) => {
    const old = await getRegion(tx, request.params.region_id!)
    const parentRegionId = given.parent_region_id === undefined ? old.parentRegionId : given.parent_region_id
    if (parentRegionId !== null) await assertAbove(tx, old.id, parentRegionId)
    const description = given.description ?? old.description
    const changed = { ...old, description, parentRegionId, extra: mergeExtras(old.extra, given, known) }
    await saveRegion(tx, changed)
    return changed
  })
  return { region: viewRegion(region, baseOf(request, deps.publicUrl)) }
}

async function assertAbove(query: Query, id: string, parentId: string): Promise<void> {
  for (let next: string | null = parentId; next !== null; next = (await getRegion(query, next)).parentRegionId)
    if (next === id) throw invalid('A region cannot be its own ancestor.')
}
