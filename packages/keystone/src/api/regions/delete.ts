import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { errors } from '../../model/errors.ts'
import { isRegionUsed, removeRegion } from '../../model/regions/store.ts'
import { getRegion } from './read.ts'

/** DELETE /regions/{region_id}. Throws StillInUse (403) while the region contains regions or endpoints. */
export async function deleteRegion(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const { id } = await getRegion(tx, request.params.region_id!)
    if (await isRegionUsed(tx, id))
      throw errors.StillInUse({ kind: 'region', id, reason: 'it or its child regions have associated endpoints' })
    await removeRegion(tx, id)
  })
}
