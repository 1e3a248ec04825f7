import { admin, reader } from '../policies.ts'

/** Upstream's rules about volume types (cinder/policies/volume_type*.py, type_extra_specs.py). */
export const typePolicies: Record<string, string> = {
  'volume_extension:type_get': reader,
  'volume_extension:type_get_all': reader,
  'volume_extension:type_create': admin,
  'volume_extension:type_update': admin,
  'volume_extension:type_delete': admin,
  'volume_extension:access_types_qos_specs_id': admin,
  'volume_extension:types_extra_specs:read_sensitive': admin,
  'volume_extension:types_extra_specs:index': reader,
  'volume_extension:types_extra_specs:show': reader,
  'volume_extension:types_extra_specs:create': admin,
  'volume_extension:types_extra_specs:update': admin,
  'volume_extension:types_extra_specs:delete': admin,
  'volume_extension:volume_type_access:get_all_for_type': admin,
  'volume_extension:volume_type_access:addProjectAccess': admin,
  'volume_extension:volume_type_access:removeProjectAccess': admin,
  'volume_extension:volume_type_encryption:get': admin,
  'volume_extension:volume_type_encryption:create': admin,
  'volume_extension:volume_type_encryption:update': admin,
  'volume_extension:volume_type_encryption:delete': admin,
}
