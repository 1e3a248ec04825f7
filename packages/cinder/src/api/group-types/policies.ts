import { admin, reader } from '../policies.ts'

/**
 * Upstream's rules for group types (cinder/policies/group_types.py). Two more are for reading, where upstream requires
 * a token only.
 */
export const groupTypePolicies: Record<string, string> = {
  'group:group_types:get_all': reader,
  'group:group_types:get': reader,
  'group:group_types:create': admin,
  'group:group_types:update': admin,
  'group:group_types:delete': admin,
  'group:access_group_types_specs': admin,
  'group:group_types_specs:get_all': admin,
  'group:group_types_specs:get': admin,
  'group:group_types_specs:create': admin,
  'group:group_types_specs:update': admin,
  'group:group_types_specs:delete': admin,
}
