import { admin } from '../policies.ts'

/** Upstream's rules about QoS specs (cinder/policies/qos_specs.py). */
export const qosPolicies: Record<string, string> = {
  'volume_extension:qos_specs_manage:get_all': admin,
  'volume_extension:qos_specs_manage:get': admin,
  'volume_extension:qos_specs_manage:create': admin,
  'volume_extension:qos_specs_manage:update': admin,
  'volume_extension:qos_specs_manage:delete': admin,
}
