/** Who is who: the rules all others are built from (cinder/policies/base.py, phase of Xena). */
export const basePolicies: Record<string, string> = {
  context_is_admin: 'role:admin',
  admin_api: 'role:admin',
  system_admin_or_project_reader: 'role:admin or (role:reader and project_id:%(project_id)s)',
  system_admin_or_project_member: 'role:admin or (role:member and project_id:%(project_id)s)',
}

/** Texts of the three usual rights. */
export const reader = 'rule:system_admin_or_project_reader'
export const member = 'rule:system_admin_or_project_member'
export const admin = 'rule:admin_api'
