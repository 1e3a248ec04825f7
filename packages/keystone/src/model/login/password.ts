import { createHash } from 'node:crypto'
import type { Deps } from '../deps.ts'
import { errors } from '../errors.ts'
import { checkPassword, isDrawnSecret } from '../passwords.ts'
import { findLogin, type Login, type UserReference } from '../users/store.ts'
import { isInactive, isLocked, recordFailure } from './lockout.ts'
import { isExpired } from './password-rules.ts'
import type { Attempt } from './throttle.ts'

interface PasswordCheck {
  address: string
  /** True for a password change, which accepts an expired password. */
  mayBeExpired?: boolean
}

/**
 * Returns the subject and address that the throttle counts by. Known and unknown users are throttled for equally long.
 */
export function attemptOf(user: Login | null, reference: unknown, address: string): Attempt {
  const subject = user ? user.id : createHash('sha256').update(JSON.stringify(reference)).digest('hex')
  return { subject, address }
}

/** Throws AuthenticationFailed (401) for a user who is unknown, disabled or inactive. */
export function assertEnabled(user: Login | null, deps: Pick<Deps, 'compliance' | 'clock'>): asserts user is Login {
  if (!user?.enabled || !user.domainEnabled) throw errors.AuthenticationFailed({ reason: 'disabled' })
  if (isInactive(user, deps)) throw errors.AuthenticationFailed({ reason: 'inactive' })
}

/**
 * Returns the user when the password is right. Throws AuthenticationFailed (401) without saying why, PasswordExpired
 * (401) only for the right password, TooManyAttempts (429), TooManyDerivations (503).
 */
export async function provePassword(
  reference: UserReference,
  password: string,
  { address, mayBeExpired = false }: PasswordCheck,
  deps: Deps,
): Promise<Login> {
  const user = await findLogin(deps.database.query, reference)
  const attempt = attemptOf(user, reference, address)
  const locked = user !== null && (await isLocked(user, deps))
  const hash = locked ? null : (user?.passwordHash ?? null)
  // Random secrets of machines cannot be guessed. Failed guesses must not lock out the services that log in with them.
  const isService = user?.options.ignore_lockout_failure_attempts === true && isDrawnSecret(user.passwordHash)
  const throttle = isService ? null : deps.throttle
  const admit = () => throttle?.admit(attempt)
  if (!(await checkPassword(password, hash, { address, admit }))) {
    throttle?.failed(attempt)
    if (user && !locked) await recordFailure(user, deps)
    throw errors.AuthenticationFailed({ reason: locked ? 'locked' : user ? 'wrong password' : 'unknown user' })
  }
  assertEnabled(user, deps)
  // Other attempts may have failed while this one waited in the queue.
  if (await isLocked(user, deps)) throw errors.AuthenticationFailed({ reason: 'locked' })
  if (!mayBeExpired && isExpired(user, deps))
    throw errors.PasswordExpired({ user_id: user.id, reason: 'password expired' })
  return user
}
