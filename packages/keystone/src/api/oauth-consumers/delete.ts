import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { removeConsumer } from '../../model/oauth-consumers/store.ts'
import { getConsumer } from './read.ts'

/** DELETE /OS-OAUTH1/consumers/{consumer_id}. */
export async function deleteConsumer(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removeConsumer(tx, (await getConsumer(tx, request.params.consumer_id!)).id))
}
