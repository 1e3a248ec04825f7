import { admin, adminOrSystemReader } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_consumer': adminOrSystemReader,
  'identity:list_consumers': adminOrSystemReader,
  'identity:create_consumer': admin,
  'identity:update_consumer': admin,
  'identity:delete_consumer': admin,
}
