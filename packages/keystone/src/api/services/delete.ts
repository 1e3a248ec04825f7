import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { removeService } from '../../model/services/store.ts'
import { getService } from './read.ts'

/** DELETE /services/{service_id}, with its endpoints. */
export async function deleteService(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removeService(tx, (await getService(tx, request.params.service_id!)).id))
}
