import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { auditFailure, auditSuccess } from '../../model/login/audit.ts'
import { clearRecordedFailures } from '../../model/login/lockout.ts'
import { provePassword } from '../../model/login/password.ts'
import { assertMayChoose, newPassword, replacePassword } from '../../model/login/password-rules.ts'
import { revoke } from '../../model/tokens/store.ts'
import { saveUser } from '../../model/users/store.ts'

/**
 * POST /users/{user_id}/password: needs no token, only the old password, which may have expired. Revokes the user's
 * tokens. Throws AuthenticationFailed (401), InvalidRequest (400) for a password that the rules refuse.
 */
export async function changePassword(context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { user: given } = request.body as { user: { original_password: string; password: string } }
  const { clientAddress: address } = request
  const record = { address, methods: ['password'], userId: request.params.user_id! }
  try {
    const check = { address, mayBeExpired: true }
    const user = await provePassword({ id: request.params.user_id! }, given.original_password, check, deps)
    await assertMayChoose(user, given.password, { ...deps, address })
    const details = { options: user.options, selfService: true, address }
    const password = await newPassword(given.password, details, deps)
    await commit(deps, async (tx) => {
      await replacePassword(tx, user, deps)
      await saveUser(tx, { ...user, ...password })
      await revoke(tx, [{ userId: user.id }], deps)
    })
    await clearRecordedFailures(user, deps)
    auditSuccess(context.log, record, 'password change')
  } catch (error) {
    auditFailure(context.log, record, error, 'password change')
    throw error
  }
}
