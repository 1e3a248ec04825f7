import { admin, adminOrSystemReader } from '../rules.ts'

const trustor = 'user_id:%(target.trust.trustor_user_id)s'
const trustee = 'user_id:%(target.trust.trustee_user_id)s'
const reading = `${adminOrSystemReader} or ${trustor} or ${trustee}`

export const policies: Record<string, string> = {
  'identity:create_trust': 'user_id:%(target.trust.trustor_user_id)s',
  'identity:list_trusts': adminOrSystemReader,
  'identity:list_trusts_for_trustor': `${adminOrSystemReader} or ${trustor}`,
  'identity:list_trusts_for_trustee': `${adminOrSystemReader} or ${trustee}`,
  'identity:list_roles_for_trust': reading,
  'identity:get_role_for_trust': reading,
  'identity:get_trust': reading,
  'identity:delete_trust': `${admin} or ${trustor}`,
}
