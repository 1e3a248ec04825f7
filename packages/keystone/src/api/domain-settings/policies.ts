import { admin, adminOrSystemReader } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_security_compliance_domain_config': '',
  'identity:create_domain_config': admin,
  'identity:get_domain_config': adminOrSystemReader,
  'identity:get_domain_config_default': adminOrSystemReader,
  'identity:update_domain_config': admin,
  'identity:delete_domain_config': admin,
}
