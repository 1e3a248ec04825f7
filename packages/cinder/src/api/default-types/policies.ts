import { admin } from '../policies.ts'

/** Upstream's rules about default types of projects (cinder/policies/default_types.py). */
export const defaultTypePolicies: Record<string, string> = {
  'volume_extension:default_get_all': admin,
  'volume_extension:default_get': admin,
  'volume_extension:default_set_or_update': admin,
  'volume_extension:default_unset': admin,
}
