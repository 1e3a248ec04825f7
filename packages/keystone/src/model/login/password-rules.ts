import { runInNewContext } from 'node:vm'
import type { Transaction } from '@hearth/database'
import type { Deps } from '../deps.ts'
import { errors, invalid } from '../errors.ts'
import { checkPassword, hashPassword } from '../passwords.ts'
import type { User } from '../users/store.ts'
import { dayMs, type SecurityCompliance } from './compliance.ts'
import { listOldHashes, recordOldHash, removeReceipts } from './store.ts'

type RuledDeps = Pick<Deps, 'compliance' | 'clock'>

/** Longest password in characters; Keystone's `[identity] max_password_length`. */
const longestPassword = 4096

const regexMs = 100

/**
 * Throws InvalidRequest (400) for a password that is too long or that the operator's regular expression does not match
 * from its start, as Python's `re.match`. A match that takes longer than 100 ms refuses the password.
 */
function assertAllowed(password: string, { passwordRegex, passwordRegexDescription }: SecurityCompliance): void {
  if (password.length > longestPassword)
    throw invalid(`The password length must be less than or equal to ${longestPassword}.`)
  if (passwordRegex === null) return
  const detail = passwordRegexDescription ?? ''
  if (!matches(passwordRegex, password)) throw invalid(`The password does not match the requirements: ${detail}.`)
}

/** Returns the pattern as a regular expression that matches from the start. Throws SyntaxError. */
const compilePasswordRegex = (pattern: string): RegExp => new RegExp(`^(?:${pattern})`, 'u')

function matches(pattern: string, password: string): boolean {
  const expression = compilePasswordRegex(pattern)
  try {
    return runInNewContext('expression.test(password)', { expression, password }, { timeout: regexMs }) === true
  } catch {
    return false
  }
}

type PasswordFields = Pick<User, 'passwordHash' | 'passwordCreatedAt' | 'passwordExpiresAt' | 'passwordSelfService'>

/**
 * Returns the columns of a new password. A password that the user did not choose may have to be changed before a
 * log-in. Throws as assertAllowed and hashPassword.
 */
export async function newPassword(
  password: string,
  details: { options: User['options']; selfService: boolean; address: string },
  { compliance, clock }: RuledDeps,
): Promise<PasswordFields> {
  assertAllowed(password, compliance)
  const passwordHash = await hashPassword(password, { address: details.address })
  const now = clock.now().getTime()
  const { options, selfService } = details
  const days = options.ignore_password_expiry === true ? null : compliance.passwordExpiresDays
  const isFirst =
    compliance.changePasswordUponFirstUse && !selfService && options.ignore_change_password_upon_first_use !== true
  const ends = days === null ? null : now + days * dayMs
  return {
    passwordHash,
    passwordCreatedAt: now,
    passwordExpiresAt: isFirst ? now : ends,
    passwordSelfService: selfService,
  }
}

/** Returns true when the password must be changed before a log-in. */
export function isExpired(user: User, { clock }: Pick<Deps, 'clock'>): boolean {
  if (user.passwordExpiresAt === null || user.options.ignore_password_expiry === true) return false
  return clock.now().getTime() >= user.passwordExpiresAt
}

/**
 * Throws InvalidRequest (400) when the user may not choose this password now: the user's password is locked, the
 * present one is too young, or the new one is one of the last passwords.
 */
export async function assertMayChoose(
  user: User,
  password: string,
  deps: RuledDeps & Pick<Deps, 'database'> & { address: string },
): Promise<void> {
  const { minimumPasswordAge: days, uniqueLastPasswordCount: count } = deps.compliance
  if (user.options.lock_password === true) throw errors.PasswordLocked()
  const age = deps.clock.now().getTime() - (user.passwordCreatedAt ?? 0)
  if (user.passwordSelfService && age < days * dayMs)
    throw errors.PasswordTooYoung({ days, left: Math.floor((days * dayMs - age) / dayMs) })
  if (count === 0) return
  const old = count > 1 ? await listOldHashes(deps.database.query, user.id, count - 1) : []
  for (const hash of [user.passwordHash, ...old])
    if (hash !== null && (await checkPassword(password, hash, { address: deps.address })))
      throw errors.PasswordUsedBefore({ count })
}

/** Records the user's old password hash, if the rules need it, and removes the user's receipts. */
export async function replacePassword(tx: Transaction, user: User, deps: RuledDeps): Promise<void> {
  const keep = deps.compliance.uniqueLastPasswordCount - 1
  if (keep > 0 && user.passwordHash !== null)
    await recordOldHash(tx, user.id, user.passwordHash, deps.clock.now().getTime(), keep)
  await removeReceipts(tx, user.id)
}
