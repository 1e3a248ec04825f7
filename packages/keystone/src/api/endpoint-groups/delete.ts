import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { removeEndpointGroup } from '../../model/endpoint-groups/store.ts'
import { getEndpointGroup } from './read.ts'

/** DELETE /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}. */
export async function deleteEndpointGroup(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    await removeEndpointGroup(tx, (await getEndpointGroup(tx, request.params.endpoint_group_id!)).id)
  })
}
