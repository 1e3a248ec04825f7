import type { IdentityRoute } from '../guard.ts'
import { bodyTarget, listTarget, userTarget } from '../targets.ts'
import { changePassword } from './change-password.ts'
import { createUser } from './create.ts'
import { deleteUser } from './delete.ts'
import { listUsers } from './list.ts'
import { listUserGroups, listUserProjects } from './memberships.ts'
import * as schema from './schema.ts'
import { showUser } from './show.ts'
import { updateUser } from './update.ts'

export const routes: IdentityRoute[] = [
  {
    method: ['GET', 'HEAD'],
    path: '/users',
    policy: 'identity:list_users',
    target: listTarget,
    status: 200,
    operation: listUsers,
  },
  {
    method: 'POST',
    path: '/users',
    policy: 'identity:create_user',
    target: bodyTarget('user'),
    body: schema.createUser,
    status: 201,
    operation: createUser,
  },
  {
    method: ['GET', 'HEAD'],
    path: '/users/:user_id',
    policy: 'identity:get_user',
    target: userTarget,
    status: 200,
    operation: showUser,
  },
  {
    method: 'PATCH',
    path: '/users/:user_id',
    policy: 'identity:update_user',
    target: userTarget,
    body: schema.updateUser,
    status: 200,
    operation: updateUser,
  },
  {
    method: 'DELETE',
    path: '/users/:user_id',
    policy: 'identity:delete_user',
    target: userTarget,
    status: 204,
    operation: deleteUser,
  },
  {
    method: 'POST',
    path: '/users/:user_id/password',
    policy: null,
    body: schema.changePassword,
    status: 204,
    operation: changePassword,
  },
  {
    method: ['GET', 'HEAD'],
    path: '/users/:user_id/groups',
    policy: 'identity:list_groups_for_user',
    target: userTarget,
    status: 200,
    operation: listUserGroups,
  },
  {
    method: ['GET', 'HEAD'],
    path: '/users/:user_id/projects',
    policy: 'identity:list_user_projects',
    target: userTarget,
    status: 200,
    operation: listUserProjects,
  },
]
