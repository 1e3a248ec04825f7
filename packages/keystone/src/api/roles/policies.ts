import { admin, adminOrSystemReader } from '../rules.ts'

const reading = `${adminOrSystemReader} or (role:manager and not domain_id:None)`

export const policies: Record<string, string> = {
  'identity:get_role': reading,
  'identity:list_roles': reading,
  'identity:create_role': admin,
  'identity:update_role': admin,
  'identity:delete_role': admin,
  'identity:get_implied_role': adminOrSystemReader,
  'identity:list_implied_roles': adminOrSystemReader,
  'identity:create_implied_role': admin,
  'identity:delete_implied_role': admin,
  'identity:list_role_inference_rules': adminOrSystemReader,
  'identity:check_implied_role': adminOrSystemReader,
}
