import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { removeDomain } from '../../model/domains/remove.ts'
import { getDomain } from './show.ts'

/** DELETE /domains/{domain_id}. */
export async function deleteDomain(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removeDomain(tx, await getDomain(tx, request.params.domain_id!), deps))
}
