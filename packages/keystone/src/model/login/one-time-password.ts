import type { Deps } from '../deps.ts'
import { errors } from '../errors.ts'
import { findLogin, type Login, type UserReference } from '../users/store.ts'
import { isLocked, recordFailure } from './lockout.ts'
import { assertEnabled, attemptOf } from './password.ts'
import { advanceTotpStep, totpSecrets } from './store.ts'
import { matchingStep } from './totp.ts'

/**
 * Returns the user when one of the user's `totp` credentials gives this passcode now. Each passcode is accepted once
 * (RFC 6238 section 5.2). Throws AuthenticationFailed (401), TooManyAttempts (429).
 */
export async function proveOneTimePassword(
  reference: UserReference,
  passcode: string,
  address: string,
  deps: Deps,
): Promise<Login> {
  const { query } = deps.database
  const user = await findLogin(query, reference)
  const attempt = attemptOf(user, reference, address)
  deps.throttle.admit(attempt)
  const locked = user !== null && (await isLocked(user, deps))
  const secrets = user && !locked ? await totpSecrets(query, user.id) : []
  const steps = secrets
    .map((secret) => matchingStep(secret, passcode, deps.clock.now()))
    .filter((step) => step !== null)
  const accepted = steps.length > 0 && (await advanceTotpStep(query, user!.id, Math.max(...steps)))
  if (!accepted) {
    deps.throttle.failed(attempt)
    if (user && !locked) await recordFailure(user, deps)
    throw errors.AuthenticationFailed({ reason: locked ? 'locked' : 'wrong one-time password' })
  }
  assertEnabled(user, deps)
  return user
}
