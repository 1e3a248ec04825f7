import type { IdentityRoute } from '../guard.ts'
import { createRole } from './create.ts'
import { deleteRole } from './delete.ts'
import { imply, listImplied, listInferences, showImplied, unimply } from './imply.ts'
import { listRoles } from './list.ts'
import * as schema from './schema.ts'
import { showRole } from './show.ts'
import { updateRole } from './update.ts'

const path = '/roles/:role_id'
const implied = '/roles/:prior_role_id/implies/:implied_role_id'

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: '/roles', policy: 'identity:list_roles', status: 200, operation: listRoles },
  {
    method: 'POST',
    path: '/roles',
    policy: 'identity:create_role',
    body: schema.createRole,
    status: 201,
    operation: createRole,
  },
  { method: ['GET', 'HEAD'], path, policy: 'identity:get_role', status: 200, operation: showRole },
  {
    method: 'PATCH',
    path,
    policy: 'identity:update_role',
    body: schema.updateRole,
    status: 200,
    operation: updateRole,
  },
  { method: 'DELETE', path, policy: 'identity:delete_role', status: 204, operation: deleteRole },
  {
    method: ['GET', 'HEAD'],
    path: '/roles/:prior_role_id/implies',
    policy: 'identity:list_implied_roles',
    status: 200,
    operation: listImplied,
  },
  { method: 'GET', path: implied, policy: 'identity:get_implied_role', status: 200, operation: showImplied },
  { method: 'HEAD', path: implied, policy: 'identity:check_implied_role', status: 204, operation: showImplied },
  { method: 'PUT', path: implied, policy: 'identity:create_implied_role', status: 201, operation: imply },
  { method: 'DELETE', path: implied, policy: 'identity:delete_implied_role', status: 204, operation: unimply },
  {
    method: ['GET', 'HEAD'],
    path: '/role_inferences',
    policy: 'identity:list_role_inference_rules',
    status: 200,
    operation: listInferences,
  },
]
