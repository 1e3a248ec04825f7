import { admin, adminOrSystemReader } from '../rules.ts'

const insideDomain =
  'domain_id:%(target.domain.id)s or user_domain_id:%(target.domain.id)s or project_domain_id:%(target.domain.id)s'

export const policies: Record<string, string> = {
  'identity:get_domain': `${adminOrSystemReader} or ${insideDomain}`,
  'identity:list_domains': adminOrSystemReader,
  'identity:create_domain': admin,
  'identity:update_domain': admin,
  'identity:delete_domain': admin,
}
