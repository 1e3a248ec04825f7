/** Rules about locations, as in glance/policies/image.py. */
export const locationPolicies: Record<string, string> = {
  service_api: 'rule:context_is_admin or role:service',
  add_image_location: 'rule:service_api or (role:member and project_id:%(project_id)s)',
  fetch_image_location: 'rule:service_api',
}
