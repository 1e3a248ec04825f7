import { admin, adminOrSystemReader, domainManager, domainReader } from '../rules.ts'

const self = 'user_id:%(target.user.id)s'
const reading = `${adminOrSystemReader} or ${domainReader('target.user.domain_id')} or ${self}`
const writing = `${admin} or ${domainManager('target.user.domain_id')}`

export const policies: Record<string, string> = {
  'identity:get_user': reading,
  'identity:list_users': `${adminOrSystemReader} or ${domainReader('target.domain_id')}`,
  'identity:list_user_projects': reading,
  'identity:list_groups_for_user': reading,
  'identity:create_user': writing,
  'identity:update_user': writing,
  'identity:delete_user': writing,
}
