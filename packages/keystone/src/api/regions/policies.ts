import { admin } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_region': '',
  'identity:list_regions': '',
  'identity:create_region': admin,
  'identity:update_region': admin,
  'identity:delete_region': admin,
}
