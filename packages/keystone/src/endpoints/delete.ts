import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../deps.ts'
import { getEndpoint } from './read.ts'
import { removeEndpoint } from './store.ts'

/** DELETE /endpoints/{endpoint_id}. */
export async function deleteEndpoint(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removeEndpoint(tx, (await getEndpoint(tx, request.params.endpoint_id!)).id))
}
