import { adminOrSystemReader } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:check_token': `${adminOrSystemReader} or rule:token_subject`,
  'identity:validate_token': 'rule:service_admin_or_token_subject or (role:reader and system_scope:all)',
  'identity:revoke_token': 'rule:admin_or_token_subject',
  'identity:get_auth_catalog': '',
  'identity:get_auth_projects': '',
  'identity:get_auth_domains': '',
  'identity:get_auth_system': '',
  'identity:revocation_list': 'rule:service_or_admin',
  'identity:list_revoke_events': 'rule:service_or_admin',
  'identity:follow_revocations': 'rule:service_or_admin',
}
