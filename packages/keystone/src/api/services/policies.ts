import { admin, adminOrSystemReader } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_service': adminOrSystemReader,
  'identity:list_services': adminOrSystemReader,
  'identity:create_service': admin,
  'identity:update_service': admin,
  'identity:delete_service': admin,
}
