import type { IdentityRoute } from '../guard.ts'
import { bodyTarget, listTarget, projectTarget } from '../targets.ts'
import { createProject } from './create.ts'
import { deleteProject } from './delete.ts'
import { listProjects } from './list.ts'
import * as schema from './schema.ts'
import { showProject } from './show.ts'
import { addTag, checkTag, clearTags, listTags, removeTag, replaceTags } from './tags.ts'
import { updateProject } from './update.ts'

const one = { path: '/projects/:project_id', target: projectTarget }
const tags = { path: '/projects/:project_id/tags', target: projectTarget }
const tag = { path: '/projects/:project_id/tags/:value', target: projectTarget }

export const routes: IdentityRoute[] = [
  {
    method: ['GET', 'HEAD'],
    path: '/projects',
    policy: 'identity:list_projects',
    target: listTarget,
    status: 200,
    operation: listProjects,
  },
  {
    method: 'POST',
    path: '/projects',
    policy: 'identity:create_project',
    target: bodyTarget('project'),
    body: schema.createProject,
    status: 201,
    operation: createProject,
  },
  { method: ['GET', 'HEAD'], ...one, policy: 'identity:get_project', status: 200, operation: showProject },
  {
    method: 'PATCH',
    ...one,
    policy: 'identity:update_project',
    body: schema.updateProject,
    status: 200,
    operation: updateProject,
  },
  { method: 'DELETE', ...one, policy: 'identity:delete_project', status: 204, operation: deleteProject },
  { method: ['GET', 'HEAD'], ...tags, policy: 'identity:list_project_tags', status: 200, operation: listTags },
  {
    method: 'PUT',
    ...tags,
    policy: 'identity:update_project_tags',
    body: schema.replaceTags,
    status: 200,
    operation: replaceTags,
  },
  { method: 'DELETE', ...tags, policy: 'identity:delete_project_tags', status: 204, operation: clearTags },
  { method: ['GET', 'HEAD'], ...tag, policy: 'identity:get_project_tag', status: 204, operation: checkTag },
  { method: 'PUT', ...tag, policy: 'identity:create_project_tag', status: 201, operation: addTag },
  { method: 'DELETE', ...tag, policy: 'identity:delete_project_tag', status: 204, operation: removeTag },
]
