import { admin, adminOrSystemReader } from '../rules.ts'

const own = 'user_id:%(target.credential.user_id)s'

export const policies: Record<string, string> = {
  'identity:get_credential': `${adminOrSystemReader} or ${own}`,
  'identity:list_credentials': '',
  'identity:create_credential': `${admin} or ${own}`,
  'identity:update_credential': `${admin} or ${own}`,
  'identity:delete_credential': `${admin} or ${own}`,
}
