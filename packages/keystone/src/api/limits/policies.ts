import { admin, adminOrSystemReader } from '../rules.ts'

const own =
  'project_id:%(target.limit.project_id)s or domain_id:%(target.limit.domain_id)s or project_domain_id:%(target.limit.domain_id)s'

export const policies: Record<string, string> = {
  'identity:get_registered_limit': '',
  'identity:list_registered_limits': '',
  'identity:create_registered_limits': admin,
  'identity:update_registered_limit': admin,
  'identity:delete_registered_limit': admin,
  'identity:get_limit_model': '',
  'identity:get_limit': `${adminOrSystemReader} or rule:service_role or ${own}`,
  'identity:list_limits': '',
  'identity:list_limits_of_others': `${adminOrSystemReader} or rule:service_role`,
  'identity:create_limits': admin,
  'identity:update_limit': admin,
  'identity:delete_limit': admin,
}
