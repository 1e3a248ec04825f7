import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { removeCredential } from '../../model/credentials/store.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { getCredential, isAccessible } from './read.ts'

/** DELETE /credentials/{credential_id}. */
export async function deleteCredential(context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const credential = await getCredential(tx, request.params.credential_id!)
    if (!isAccessible(context, credential.projectId, deps)) throw notFound('credential', credential.id)
    await removeCredential(tx, credential.id)
  })
}
