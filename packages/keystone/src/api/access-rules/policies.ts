import { admin, adminOrSystemReader, owner } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_access_rule': `${adminOrSystemReader} or ${owner}`,
  'identity:list_access_rules': `${adminOrSystemReader} or ${owner}`,
  'identity:delete_access_rule': `${admin} or ${owner}`,
}
