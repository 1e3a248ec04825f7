import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { addMember, answerSharing, deleteMember, listMembers, showMember } from './members.ts'

const memberBody = {
  type: 'object',
  properties: { member: { type: 'string', minLength: 1, maxLength: 255 } },
  required: ['member'],
}
const answerBody = { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] }

export const memberRoutes: Route<ApiDeps>[] = [
  { method: 'GET', path: '/images/:image_id/members', policy: 'get_members', status: 200, operation: listMembers },
  {
    method: 'POST',
    path: '/images/:image_id/members',
    policy: 'add_member',
    body: memberBody,
    status: 200,
    operation: addMember,
  },
  {
    method: 'GET',
    path: '/images/:image_id/members/:member_id',
    policy: 'get_member',
    status: 200,
    operation: showMember,
  },
  {
    method: 'PUT',
    path: '/images/:image_id/members/:member_id',
    policy: 'default',
    body: answerBody,
    status: 200,
    operation: answerSharing,
  },
  {
    method: 'DELETE',
    path: '/images/:image_id/members/:member_id',
    policy: 'delete_member',
    status: 204,
    operation: deleteMember,
  },
]
