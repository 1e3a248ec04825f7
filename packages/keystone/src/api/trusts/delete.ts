import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { revoke } from '../../model/tokens/store.ts'
import { removeTrust } from '../../model/trusts/store.ts'
import { assertNotDelegated } from './create.ts'
import { getTrust } from './read.ts'

/** DELETE /OS-TRUST/trusts/{trust_id}: revokes its tokens, whose audit chain is the id of the trust. */
export async function deleteTrust(context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  assertNotDelegated(context, deps)
  const trust = await getTrust(request, deps)
  await commit(deps, async (tx) => {
    await removeTrust(tx, trust.id)
    await revoke(tx, [{ auditChainId: trust.id }], deps)
  })
}
