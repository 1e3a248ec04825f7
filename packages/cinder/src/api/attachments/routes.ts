import { type Route, type Schema, since } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { uuidField } from '../volumes/schema.ts'
import { completeAttachment } from './complete.ts'
import { createAttachment, updateAttachment } from './create.ts'
import { deleteAttachment } from './delete.ts'
import { listAttachments, showAttachment } from './list.ts'

const createBody: Schema = {
  type: 'object',
  required: ['attachment'],
  properties: {
    attachment: {
      type: 'object',
      required: ['volume_uuid'],
      properties: {
        volume_uuid: uuidField,
        instance_uuid: { type: ['string', 'null'], format: 'uuid' },
        connector: { type: ['object', 'null'] },
        mode: since('3.54', { type: 'string', enum: ['rw', 'ro'] }),
      },
    },
  },
}

const updateBody: Schema = {
  type: 'object',
  required: ['attachment'],
  properties: {
    attachment: {
      type: 'object',
      required: ['connector'],
      properties: { connector: { type: 'object', minProperties: 1 } },
    },
  },
}

export const attachmentRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: '/attachments',
    since: '3.27',
    policy: 'volume:attachment_get_all',
    status: 200,
    operation: listAttachments,
  },
  {
    method: 'GET',
    path: '/attachments/detail',
    since: '3.27',
    policy: 'volume:attachment_get_all',
    status: 200,
    operation: listAttachments,
  },
  {
    method: 'GET',
    path: '/attachments/:id',
    since: '3.27',
    policy: 'volume:attachment_get_all',
    status: 200,
    operation: showAttachment,
  },
  {
    method: 'POST',
    path: '/attachments',
    since: '3.27',
    policy: 'volume:attachment_create',
    body: createBody,
    status: 200,
    operation: createAttachment,
  },
  {
    method: 'PUT',
    path: '/attachments/:id',
    since: '3.27',
    policy: 'volume:attachment_update',
    body: updateBody,
    status: 200,
    operation: updateAttachment,
  },
  {
    method: 'DELETE',
    path: '/attachments/:id',
    since: '3.27',
    policy: 'volume:attachment_delete',
    status: 200,
    operation: deleteAttachment,
  },
  {
    method: 'POST',
    path: '/attachments/:id/action',
    since: '3.44',
    action: 'os-complete',
    policy: 'volume:attachment_complete',
    status: 204,
    operation: completeAttachment,
  },
]
