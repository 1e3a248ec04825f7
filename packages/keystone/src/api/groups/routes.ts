import type { IdentityRoute } from '../guard.ts'
import { bodyTarget, groupTarget, listTarget } from '../targets.ts'
import { createGroup } from './create.ts'
import { deleteGroup } from './delete.ts'
import { listGroups } from './list.ts'
import { addMember, checkMember, listMembers, removeFromGroup } from './members.ts'
import * as schema from './schema.ts'
import { showGroup } from './show.ts'
import { updateGroup } from './update.ts'

const one = { path: '/groups/:group_id', target: groupTarget }
const memberOf = { path: '/groups/:group_id/users/:user_id', target: groupTarget, status: 204 }

export const routes: IdentityRoute[] = [
  {
    method: ['GET', 'HEAD'],
    path: '/groups',
    policy: 'identity:list_groups',
    target: listTarget,
    status: 200,
    operation: listGroups,
  },
  {
    method: 'POST',
    path: '/groups',
    policy: 'identity:create_group',
    target: bodyTarget('group'),
    body: schema.createGroup,
    status: 201,
    operation: createGroup,
  },
  { method: ['GET', 'HEAD'], ...one, policy: 'identity:get_group', status: 200, operation: showGroup },
  {
    method: 'PATCH',
    ...one,
    policy: 'identity:update_group',
    body: schema.updateGroup,
    status: 200,
    operation: updateGroup,
  },
  { method: 'DELETE', ...one, policy: 'identity:delete_group', status: 204, operation: deleteGroup },
  {
    method: ['GET', 'HEAD'],
    path: '/groups/:group_id/users',
    policy: 'identity:list_users_in_group',
    target: groupTarget,
    status: 200,
    operation: listMembers,
  },
  { method: 'PUT', ...memberOf, policy: 'identity:add_user_to_group', operation: addMember },
  { method: ['HEAD', 'GET'], ...memberOf, policy: 'identity:check_user_in_group', operation: checkMember },
  { method: 'DELETE', ...memberOf, policy: 'identity:remove_user_from_group', operation: removeFromGroup },
]
