import { admin, adminOrSystemReader, domainManager, domainReader } from '../rules.ts'

const reading = `${adminOrSystemReader} or ${domainReader('target.group.domain_id')}`
const writing = `${admin} or ${domainManager('target.group.domain_id')}`

export const policies: Record<string, string> = {
  'identity:get_group': reading,
  'identity:list_groups': `${adminOrSystemReader} or ${domainReader('target.domain_id')}`,
  'identity:create_group': writing,
  'identity:update_group': writing,
  'identity:delete_group': writing,
  'identity:list_users_in_group': reading,
  'identity:add_user_to_group': writing,
  'identity:check_user_in_group': reading,
  'identity:remove_user_from_group': writing,
}
