const admin = 'rule:admin_api'

/** Upstream's rules about quotas (cinder/policies/quotas.py, quota_class.py). */
export const quotaPolicies: Record<string, string> = {
  'volume_extension:quotas:show': 'rule:xena_system_admin_or_project_reader',
  'volume_extension:quotas:update': admin,
  'volume_extension:quotas:delete': admin,
  'volume_extension:quota_classes:get': admin,
  'volume_extension:quota_classes:update': admin,
}
