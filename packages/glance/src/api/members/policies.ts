const memberOfProject = 'rule:context_is_admin or (role:member and project_id:%(project_id)s)'
const readerOrMember =
  'rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s))'

/** Rules about sharing, under the names and with the defaults of glance/policies/image.py. */
export const memberPolicies: Record<string, string> = {
  add_member: memberOfProject,
  delete_member: memberOfProject,
  get_member: readerOrMember,
  get_members: readerOrMember,
  modify_member: 'rule:context_is_admin or (role:member and project_id:%(member_id)s)',
}
