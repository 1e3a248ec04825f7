import { adminOrSystemReader, owner } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:ec2_get_credential': `${adminOrSystemReader} or ${owner}`,
  'identity:ec2_list_credentials': `${adminOrSystemReader} or ${owner}`,
  'identity:ec2_create_credential': 'rule:admin_or_owner',
  'identity:ec2_delete_credential': 'rule:admin_or_owner',
  'identity:s3tokens_validate': 'rule:service_or_admin',
  'identity:ec2tokens_validate': 'rule:service_or_admin',
}
