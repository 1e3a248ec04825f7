import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { revoke } from '../../model/tokens/store.ts'
import { removeUser } from '../../model/users/store.ts'
import { getUser } from './show.ts'

/** DELETE /users/{user_id}: deletes the user with everything that depends on it, and revokes its tokens. */
export async function deleteUser(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const id = request.params.user_id!
  await commit(deps, async (tx) => {
    await getUser(tx, id)
    await removeUser(tx, id)
    await revoke(tx, [{ userId: id }], deps)
  })
}
