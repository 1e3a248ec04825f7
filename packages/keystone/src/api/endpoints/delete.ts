import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { removeEndpoint } from '../../model/endpoints/store.ts'
import { getEndpoint } from './read.ts'

/** DELETE /endpoints/{endpoint_id}. */
export async function deleteEndpoint(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removeEndpoint(tx, (await getEndpoint(tx, request.params.endpoint_id!)).id))
}
