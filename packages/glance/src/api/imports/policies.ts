/** Rules about imports, as in glance/policies/image.py. */
export const importPolicies: Record<string, string> = {
  copy_image: 'rule:context_is_admin',
}
