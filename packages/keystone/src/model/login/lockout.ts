import type { Deps } from '../deps.ts'
import type { User } from '../users/store.ts'
import { dayMs } from './compliance.ts'
import { addFailure, clearFailures, readFailures } from './store.ts'

type LockDeps = Pick<Deps, 'database' | 'compliance' | 'clock'>

const canBeLocked = (user: User, { compliance }: LockDeps): boolean =>
  compliance.lockoutFailureAttempts !== null && user.options.ignore_lockout_failure_attempts !== true

/**
 * Returns true while an account is locked by failed log-ins (keystone/identity/backends/sql.py, _is_account_locked).
 */
export async function isLocked(user: User, deps: LockDeps): Promise<boolean> {
  if (!canBeLocked(user, deps)) return false
  const { lockoutFailureAttempts: most, lockoutDuration: seconds } = deps.compliance
  const { count, last } = await readFailures(deps.database.query, user.id)
  if (count < most!) return false
  if (seconds === null || last === null) return true
  if (last + seconds * 1000 > deps.clock.now().getTime()) return true
  await clearFailures(deps.database.query, user.id, last)
  return false
}

/** Records a failed log-in of a user who is not locked. */
export async function recordFailure(user: User, deps: LockDeps): Promise<void> {
  if (canBeLocked(user, deps)) await addFailure(deps.database.query, user.id, deps.clock.now().getTime())
}

/** Clears the recorded failures after a successful log-in. */
export async function clearRecordedFailures(user: User, deps: LockDeps): Promise<void> {
  if (canBeLocked(user, deps)) await clearFailures(deps.database.query, user.id)
}

/** Returns true when the user has had no log-in for so many days that the user counts as disabled. */
export function isInactive(user: User, { compliance, clock }: Pick<Deps, 'compliance' | 'clock'>): boolean {
  const days = compliance.disableUserAccountDaysInactive
  const last = user.lastActiveAt ?? user.createdAt
  if (days === null || last === null || user.options.ignore_user_inactivity === true) return false
  return Math.floor(clock.now().getTime() / dayMs) - Math.floor(last / dayMs) >= days
}
