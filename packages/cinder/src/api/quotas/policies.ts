import { admin, reader } from '../policies.ts'

/** Upstream's rules about quotas (cinder/policies/quotas.py, quota_class.py). */
export const quotaPolicies: Record<string, string> = {
  'volume_extension:quotas:show': reader,
  'volume_extension:quotas:update': admin,
  'volume_extension:quotas:delete': admin,
  'volume_extension:quota_classes:get': admin,
  'volume_extension:quota_classes:update': admin,
}
