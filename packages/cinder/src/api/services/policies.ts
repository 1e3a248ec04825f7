import { admin } from '../policies.ts'

/** Policies for services, hosts, pools and capabilities, with upstream's names. */
export const servicePolicies: Record<string, string> = {
  'volume_extension:services:index': admin,
  'volume_extension:services:update': admin,
  'volume:freeze_host': admin,
  'volume:thaw_host': admin,
  'volume_extension:hosts': admin,
  'volume_extension:capabilities': admin,
  'clusters:get_all': admin,
  'clusters:get': admin,
  'clusters:update': admin,
  'workers:cleanup': admin,
  'scheduler_extension:scheduler_stats:get_pools': admin,
}
