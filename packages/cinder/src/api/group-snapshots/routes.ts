import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { createGroupSnapshot } from './create.ts'
import { deleteGroupSnapshot, listGroupSnapshots, resetGroupSnapshotStatus, showGroupSnapshot } from './manage.ts'
import * as schema from './schema.ts'

const since = '3.14'
const all = '/group_snapshots'
const one = '/group_snapshots/:id'
const rule = (verb: string) => `group:${verb}`

export const groupSnapshotRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: all,
    since,
    policy: rule('get_all_group_snapshots'),
    reply: schema.listReply,
    status: 200,
    operation: listGroupSnapshots,
  },
  {
    method: 'GET',
    path: `${all}/detail`,
    since,
    policy: rule('get_all_group_snapshots'),
    reply: schema.listDetailReply,
    status: 200,
    operation: listGroupSnapshots,
  },
  {
    method: 'GET',
    path: one,
    since,
    policy: rule('get_group_snapshot'),
    reply: schema.showReply,
    status: 200,
    operation: showGroupSnapshot,
  },
  {
    method: 'POST',
    path: all,
    since,
    policy: rule('create_group_snapshot'),
    body: schema.createBody,
    reply: schema.createReply,
    status: 202,
    operation: createGroupSnapshot,
  },
  {
    method: 'DELETE',
    path: one,
    since,
    policy: rule('delete_group_snapshot'),
    status: 202,
    operation: deleteGroupSnapshot,
  },
  {
    method: 'POST',
    path: `${one}/action`,
    since: '3.19',
    action: 'reset_status',
    policy: rule('reset_group_snapshot_status'),
    body: schema.resetBody,
    status: 202,
    operation: resetGroupSnapshotStatus,
  },
]
