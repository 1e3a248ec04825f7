import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { removePolicy } from '../../model/policy-blobs/store.ts'
import { getPolicy } from './read.ts'

/** DELETE /policies/{policy_id}. */
export async function deletePolicy(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removePolicy(tx, (await getPolicy(tx, request.params.policy_id!)).id))
}
