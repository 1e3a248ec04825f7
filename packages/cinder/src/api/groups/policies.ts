import { admin, member, reader } from '../policies.ts'

/** Upstream's rules about groups (cinder/policies/groups.py, group_actions.py). */
export const groupPolicies: Record<string, string> = {
  'group:get_all': reader,
  'group:get': reader,
  'group:create': member,
  'group:update': member,
  'group:delete': member,
  'group:reset_status': admin,
  'group:group_project_attribute': admin,
}
