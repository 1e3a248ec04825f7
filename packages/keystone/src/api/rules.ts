/** Rules that many policies contain. */
export const admin = 'rule:admin_required'
export const owner = 'rule:owner'
const systemReader = '(role:reader and system_scope:all)'
export const adminOrSystemReader = `${admin} or ${systemReader}`

/** Returns the rule for a reader of the domain that a target attribute names. */
export const domainReader = (attribute: string): string => `(role:reader and domain_id:%(${attribute})s)`
/** Returns the rule for a manager of the domain that a target attribute names. */
export const domainManager = (attribute: string): string => `(role:manager and domain_id:%(${attribute})s)`

export const baseRules: Record<string, string> = {
  'identity:token_required': '',
  admin_required: 'role:admin or is_admin:1',
  service_role: 'role:service',
  service_or_admin: 'rule:admin_required or rule:service_role',
  owner: 'user_id:%(user_id)s',
  admin_or_owner: 'rule:admin_required or rule:owner',
  token_subject: 'user_id:%(target.token.user_id)s',
  admin_or_token_subject: 'rule:admin_required or rule:token_subject',
  service_admin_or_token_subject: 'rule:service_or_admin or rule:token_subject',
}
