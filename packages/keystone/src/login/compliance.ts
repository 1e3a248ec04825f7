/** Keystone's `[security_compliance]` under its names (keystone/conf/security_compliance.py); null is off. */
export interface SecurityCompliance {
  /** Failures after which an account is locked. */
  lockoutFailureAttempts: number | null
  /** Seconds; null: until an administrator sets a new password or enables the user anew. */
  lockoutDuration: number | null
  /** Days after its last log-in that a user counts as disabled. */
  disableUserAccountDaysInactive: number | null
  /** Days a new password is good for. */
  passwordExpiresDays: number | null
  /** How many passwords, the present one included, a user may not choose again; 0 is off. */
  uniqueLastPasswordCount: number
  /** Days before a user may change a password again that the user chose. */
  minimumPasswordAge: number
  /** Regular expression that a password must match from its start. */
  passwordRegex: string | null
  passwordRegexDescription: string | null
  /** A password that an administrator sets must be changed before it is good for a log-in. */
  changePasswordUponFirstUse: boolean
}

export const noCompliance: SecurityCompliance = {
  lockoutFailureAttempts: null,
  lockoutDuration: 1800,
  disableUserAccountDaysInactive: null,
  passwordExpiresDays: null,
  uniqueLastPasswordCount: 0,
  minimumPasswordAge: 0,
  passwordRegex: null,
  passwordRegexDescription: null,
  changePasswordUponFirstUse: false,
}

export const dayMs = 24 * 3600 * 1000
