/**
 * Settings of Keystone's `[security_compliance]`, with its names (keystone/conf/security_compliance.py); null is off.
 */
export interface SecurityCompliance {
  /** Failed log-ins after which an account is locked. */
  lockoutFailureAttempts: number | null
  /** Seconds an account stays locked; null: until an administrator sets a new password or enables the user. */
  lockoutDuration: number | null
  /** Days without a log-in after which a user counts as disabled. */
  disableUserAccountDaysInactive: number | null
  /** Days for which a new password is valid. */
  passwordExpiresDays: number | null
  /** Number of last passwords, the present one included, that a user may not choose again; 0 is off. */
  uniqueLastPasswordCount: number
  /** Days before a user may change a password that the user chose. */
  minimumPasswordAge: number
  /** Regular expression that a password must match from its start. */
  passwordRegex: string | null
  passwordRegexDescription: string | null
  /** True when a password that an administrator set must be changed before a log-in. */
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
