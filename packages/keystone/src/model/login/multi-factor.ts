/** Log-in methods that a rule can name. */
export const methodNames = ['password', 'token', 'application_credential', 'totp']

type Options = Record<string, unknown>

/** Returns the options after a change; null removes an option. */
export function mergeOptions(old: Options, given: Options | undefined): Options {
  return Object.fromEntries(Object.entries({ ...old, ...given }).filter(([, value]) => value !== null))
}

/** Returns the rules in force; null when the user has none. Unreadable rules give [], which no log-in satisfies. */
export function rulesOf(options: Options): string[][] | null {
  const { multi_factor_auth_rules: rules, multi_factor_auth_enabled: enabled } = options
  if (enabled === false || rules === undefined || rules === null) return null
  if (!Array.isArray(rules)) return []
  if (rules.length === 0) return null
  return rules.filter((rule): rule is string[] => Array.isArray(rule) && rule.length > 0)
}

/**
 * Returns true when a user may log in by these methods: all methods of one rule, if there are rules. A one-time
 * password alone has only six digits, so it needs a rule that allows it.
 */
export function satisfies(options: Options, methods: readonly string[]): boolean {
  const rules = rulesOf(options)
  if (!rules) return methods.some((method) => method !== 'totp')
  return rules.some((rule) => rule.every((method) => methods.includes(method)))
}
