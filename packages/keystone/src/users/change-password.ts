import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../deps.ts'
import { errors } from '../errors.ts'
import { checkPassword, hashPassword } from '../passwords.ts'
import { revoke } from '../tokens/store.ts'
import { findLogin, saveUser } from './store.ts'

/**
 * POST /users/{user_id}/password: needs no token but the old password. Throws AuthenticationFailed (401). Voids the
 * user's tokens.
 */
export async function changePassword(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { original_password, password } = (request.body as { user: { original_password: string; password: string } })
    .user
  const user = await findLogin(deps.database.query, { id: request.params.user_id! })
  const correct = await checkPassword(original_password, user?.passwordHash ?? null)
  if (!correct || !user?.enabled || !user.domainEnabled) throw errors.AuthenticationFailed()
  const passwordHash = await hashPassword(password)
  await commit(deps, async (tx) => {
    await saveUser(tx, { ...user, passwordHash })
    await revoke(tx, [{ userId: user.id }], deps)
  })
}
