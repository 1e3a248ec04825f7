import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { removeAppCredential } from '../../model/application-credentials/store.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { revoke } from '../../model/tokens/store.ts'
import { assertMayDelegate } from './create.ts'
import { getAppCredential } from './read.ts'

/** DELETE /users/{user_id}/application_credentials/{id}: revokes the tokens of the credential too. */
export async function deleteAppCredential(context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  assertMayDelegate(context, deps)
  await commit(deps, async (tx) => {
    const credential = await getAppCredential(tx, request)
    await removeAppCredential(tx, credential.id)
    await revoke(tx, [{ appCredentialId: credential.id }], deps)
  })
}
