/** Rules about the cache, as in glance/policies/cache.py. */
export const cachePolicies: Record<string, string> = {
  manage_image_cache: 'rule:context_is_admin',
  cache_image: 'rule:manage_image_cache',
  cache_list: 'rule:manage_image_cache',
  cache_delete: 'rule:manage_image_cache',
}
