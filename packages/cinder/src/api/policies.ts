/** The base rules that all other rules refer to (cinder/policies/base.py, state of Xena). */
export const basePolicies: Record<string, string> = {
  context_is_admin: 'role:admin',
  admin_api: 'role:admin',
  system_admin_or_project_reader: 'role:admin or (role:reader and project_id:%(project_id)s)',
  system_admin_or_project_member: 'role:admin or (role:member and project_id:%(project_id)s)',
}

/** Default rules of almost all policies: any reader, any member, administrators only. */
export const reader = 'rule:system_admin_or_project_reader'
export const member = 'rule:system_admin_or_project_member'
export const admin = 'rule:admin_api'
