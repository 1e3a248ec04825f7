import { admin, adminOrSystemReader } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:create_endpoint_group': admin,
  'identity:list_endpoint_groups': adminOrSystemReader,
  'identity:get_endpoint_group': adminOrSystemReader,
  'identity:update_endpoint_group': admin,
  'identity:delete_endpoint_group': admin,
  'identity:list_projects_associated_with_endpoint_group': adminOrSystemReader,
  'identity:list_endpoints_associated_with_endpoint_group': adminOrSystemReader,
  'identity:get_endpoint_group_in_project': adminOrSystemReader,
  'identity:list_endpoint_groups_for_project': adminOrSystemReader,
  'identity:add_endpoint_group_to_project': admin,
  'identity:remove_endpoint_group_from_project': admin,
  'identity:list_projects_for_endpoint': adminOrSystemReader,
  'identity:add_endpoint_to_project': admin,
  'identity:check_endpoint_in_project': adminOrSystemReader,
  'identity:list_endpoints_for_project': adminOrSystemReader,
  'identity:remove_endpoint_from_project': admin,
}
