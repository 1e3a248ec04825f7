/** Rules about what the service says of itself, as in glance/policies/discovery.py. */
export const infoPolicies: Record<string, string> = {
  stores_info_detail: 'rule:context_is_admin or role:service',
}
