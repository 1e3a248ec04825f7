const readNamespace =
  "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))"

const reads = [
  'get_metadef_namespace',
  'get_metadef_object',
  'get_metadef_objects',
  'get_metadef_property',
  'get_metadef_properties',
  'get_metadef_tag',
  'get_metadef_tags',
  'get_metadef_resource_type',
]
const listings = ['get_metadef_namespaces', 'list_metadef_resource_types']
const writes = [
  'add_metadef_namespace',
  'modify_metadef_namespace',
  'delete_metadef_namespace',
  'add_metadef_object',
  'modify_metadef_object',
  'delete_metadef_object',
  'add_metadef_property',
  'modify_metadef_property',
  'remove_metadef_property',
  'add_metadef_tag',
  'add_metadef_tags',
  'modify_metadef_tag',
  'delete_metadef_tag',
  'delete_metadef_tags',
  'add_metadef_resource_type_association',
  'remove_metadef_resource_type_association',
]
const all = (names: readonly string[], rule: string) => Object.fromEntries(names.map((name) => [name, rule]))

/** Rules about metadata definitions, under the names and with the defaults of glance/policies/metadef.py. */
export const metadefPolicies: Record<string, string> = {
  metadef_admin: 'role:admin',
  ...all(listings, 'rule:context_is_admin or (role:reader and project_id:%(project_id)s)'),
  ...all(reads, readNamespace),
  ...all(writes, 'rule:metadef_admin'),
}
