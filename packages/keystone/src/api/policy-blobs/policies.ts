import { admin, adminOrSystemReader } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_policy': adminOrSystemReader,
  'identity:list_policies': adminOrSystemReader,
  'identity:create_policy': admin,
  'identity:update_policy': admin,
  'identity:delete_policy': admin,
}
