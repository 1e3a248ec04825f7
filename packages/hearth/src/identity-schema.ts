const days = (description: string) => ({ type: ['integer', 'null'], minimum: 1, default: null, description })
const whole = (fallback: number, description: string) => ({
  type: 'integer',
  minimum: 0,
  default: fallback,
  description,
})
const section = (properties: Record<string, object>) => ({
  type: 'object',
  additionalProperties: false,
  default: {},
  properties,
})

/** Keystone's `[security_compliance]`. */
export const securityCompliance = section({
  lockoutFailureAttempts: days('failed log-ins after which an account is locked; null: never'),
  lockoutDuration: {
    type: ['integer', 'null'],
    minimum: 1,
    default: 1800,
    description: 'seconds an account stays locked; null: until an administrator enables it or sets a new password',
  },
  disableUserAccountDaysInactive: days('days without a log-in after which a user counts as disabled; null: never'),
  passwordExpiresDays: days('days a new password is good for; null: for ever'),
  uniqueLastPasswordCount: {
    ...whole(0, 'how many of the last passwords, the present one included, a user may not choose again'),
    maximum: 24,
  },
  minimumPasswordAge: whole(0, 'days before a user may change a password of the own choice again'),
  passwordRegex: {
    type: ['string', 'null'],
    minLength: 1,
    maxLength: 1000,
    format: 'regex',
    default: null,
    description: 'regular expression that passwords must match from their start',
  },
  passwordRegexDescription: {
    type: ['string', 'null'],
    default: null,
    description: 'the same rule in words, for the error that users get',
  },
  changePasswordUponFirstUse: {
    type: 'boolean',
    default: false,
    description: 'a password set by an administrator must be changed before it is good for a log-in',
  },
})

export const loginThrottle = section({
  userFailures: whole(10, 'failed log-ins of one user per period before more get 429; 0: no limit'),
  addressFailures: whole(100, 'failed log-ins from one client address per period before more get 429; 0: no limit'),
  seconds: { type: 'integer', minimum: 1, maximum: 86_400, default: 60, description: 'length of that period' },
})
