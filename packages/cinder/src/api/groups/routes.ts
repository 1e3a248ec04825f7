import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { createGroup } from './create.ts'
import { createGroupFromSource } from './create-from-source.ts'
import { deleteGroup } from './delete.ts'
import { listGroups, showGroup } from './list.ts'
import { resetGroupStatus } from './reset-status.ts'
import * as schema from './schema.ts'
import { changeGroup } from './update.ts'

const since = '3.13'
const all = '/groups'
const one = '/groups/:id'
const action = '/groups/:id/action'

export const groupRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: all,
    since,
    policy: 'group:get_all',
    reply: schema.listReply,
    status: 200,
    operation: listGroups,
  },
  {
    method: 'GET',
    path: `${all}/detail`,
    since,
    policy: 'group:get_all',
    reply: schema.listDetailReply,
    status: 200,
    operation: listGroups,
  },
  { method: 'GET', path: one, since, policy: 'group:get', reply: schema.showReply, status: 200, operation: showGroup },
  {
    method: 'POST',
    path: all,
    since,
    policy: 'group:create',
    body: schema.createBody,
    reply: schema.summaryReply,
    status: 202,
    operation: createGroup,
  },
  {
    method: 'POST',
    path: `${all}/action`,
    since: '3.14',
    action: 'create-from-src',
    policy: 'group:create',
    body: schema.copyBody,
    reply: schema.summaryReply,
    status: 202,
    operation: createGroupFromSource,
  },
  {
    method: 'PUT',
    path: one,
    since,
    policy: 'group:update',
    body: schema.updateBody,
    status: 202,
    operation: changeGroup,
  },
  {
    method: 'POST',
    path: action,
    since,
    action: 'delete',
    policy: 'group:delete',
    body: schema.deleteBody,
    status: 202,
    operation: deleteGroup,
  },
  {
    method: 'POST',
    path: action,
    since: '3.20',
    action: 'reset_status',
    policy: 'group:reset_status',
    body: schema.resetBody,
    status: 202,
    operation: resetGroupStatus,
  },
]
