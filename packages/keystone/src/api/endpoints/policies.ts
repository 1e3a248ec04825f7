import { admin, adminOrSystemReader } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_endpoint': adminOrSystemReader,
  'identity:list_endpoints': adminOrSystemReader,
  'identity:create_endpoint': admin,
  'identity:update_endpoint': admin,
  'identity:delete_endpoint': admin,
}
