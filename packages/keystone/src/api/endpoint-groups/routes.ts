import type { IdentityRoute } from '../guard.ts'
import { createEndpointGroup } from './create.ts'
import { deleteEndpointGroup } from './delete.ts'
import {
  checkLink,
  link,
  listGroupEndpoints,
  listLinkedProjects,
  listProjectEndpoints,
  listProjectGroups,
  unlink,
} from './links.ts'
import { listEndpointGroups, showEndpointGroup } from './read.ts'
import * as schema from './schema.ts'
import { updateEndpointGroup } from './update.ts'

const all = '/OS-EP-FILTER/endpoint_groups'
const one = `${all}/:endpoint_group_id`
const groupInProject = `${one}/projects/:project_id`
const endpointInProject = '/OS-EP-FILTER/projects/:project_id/endpoints/:endpoint_id'

/** Returns a route of a read operation. */
function reading(path: string, policy: string, operation: IdentityRoute['operation']): IdentityRoute {
  return { method: ['GET', 'HEAD'], path, policy, status: 200, operation }
}

/** Returns the routes of one kind of link. */
function linkRows(path: string, policies: [add: string, check: string, remove: string]): IdentityRoute[] {
  const [add, check, remove] = policies
  return [
    { method: 'PUT', path, policy: add, status: 204, operation: link },
    { method: ['GET', 'HEAD'], path, policy: check, status: 204, operation: checkLink },
    { method: 'DELETE', path, policy: remove, status: 204, operation: unlink },
  ]
}

export const routes: IdentityRoute[] = [
  reading(all, 'identity:list_endpoint_groups', listEndpointGroups),
  {
    method: 'POST',
    path: all,
    policy: 'identity:create_endpoint_group',
    body: schema.createEndpointGroup,
    status: 201,
    operation: createEndpointGroup,
  },
  reading(one, 'identity:get_endpoint_group', showEndpointGroup),
  {
    method: 'PATCH',
    path: one,
    policy: 'identity:update_endpoint_group',
    body: schema.updateEndpointGroup,
    status: 200,
    operation: updateEndpointGroup,
  },
  {
    method: 'DELETE',
    path: one,
    policy: 'identity:delete_endpoint_group',
    status: 204,
    operation: deleteEndpointGroup,
  },
  reading(`${one}/projects`, 'identity:list_projects_associated_with_endpoint_group', listLinkedProjects),
  reading(`${one}/endpoints`, 'identity:list_endpoints_associated_with_endpoint_group', listGroupEndpoints),
  ...linkRows(groupInProject, [
    'identity:add_endpoint_group_to_project',
    'identity:get_endpoint_group_in_project',
    'identity:remove_endpoint_group_from_project',
  ]),
  reading(
    '/OS-EP-FILTER/projects/:project_id/endpoint_groups',
    'identity:list_endpoint_groups_for_project',
    listProjectGroups,
  ),
  reading('/OS-EP-FILTER/projects/:project_id/endpoints', 'identity:list_endpoints_for_project', listProjectEndpoints),
  reading('/OS-EP-FILTER/endpoints/:endpoint_id/projects', 'identity:list_projects_for_endpoint', listLinkedProjects),
  ...linkRows(endpointInProject, [
    'identity:add_endpoint_to_project',
    'identity:check_endpoint_in_project',
    'identity:remove_endpoint_from_project',
  ]),
]
