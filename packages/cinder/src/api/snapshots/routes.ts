import type { Route, Schema } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { metadataBody, metadataItemBody } from '../volumes/schema.ts'
import { createSnapshot } from './create.ts'
import { deleteSnapshot, forceDeleteSnapshot } from './delete.ts'
import { listSnapshots, showSnapshot } from './list.ts'
import * as schema from './schema.ts'
import {
  listMetadata,
  removeMetadataItem,
  resetSnapshot,
  setMetadata,
  setMetadataItem,
  showMetadataItem,
  updateSnapshot,
  updateSnapshotStatus,
} from './update.ts'

const action = (name: string, properties: Record<string, Schema>, required: string[]): Schema => ({
  type: 'object',
  required: [name],
  properties: { [name]: { type: 'object', properties, required } },
})

const text = { type: 'string' }
const get = 'volume:get_snapshot_metadata'
const update = 'volume:update_snapshot_metadata'

export const snapshotRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: '/snapshots',
    policy: 'volume:get_all_snapshots',
    reply: schema.listReply,
    status: 200,
    operation: listSnapshots,
  },
  {
    method: 'GET',
    path: '/snapshots/detail',
    policy: 'volume:get_all_snapshots',
    reply: schema.detailListReply,
    status: 200,
    operation: listSnapshots,
  },
  {
    method: 'POST',
    path: '/snapshots',
    policy: 'volume:create_snapshot',
    body: schema.createBody,
    reply: schema.plainReply,
    status: 202,
    operation: createSnapshot,
  },
  {
    method: 'GET',
    path: '/snapshots/:id',
    policy: 'volume:get_snapshot',
    reply: schema.detailReply,
    status: 200,
    operation: showSnapshot,
  },
  {
    method: 'PUT',
    path: '/snapshots/:id',
    policy: 'volume:update_snapshot',
    body: schema.updateBody,
    reply: schema.plainReply,
    status: 200,
    operation: updateSnapshot,
  },
  {
    method: 'DELETE',
    path: '/snapshots/:id',
    policy: 'volume:delete_snapshot',
    status: 202,
    operation: deleteSnapshot,
  },
  { method: 'GET', path: '/snapshots/:id/metadata', policy: get, status: 200, operation: listMetadata },
  {
    method: ['POST', 'PUT'],
    path: '/snapshots/:id/metadata',
    policy: update,
    body: metadataBody,
    status: 200,
    operation: setMetadata,
  },
  { method: 'GET', path: '/snapshots/:id/metadata/:key', policy: get, status: 200, operation: showMetadataItem },
  {
    method: 'PUT',
    path: '/snapshots/:id/metadata/:key',
    policy: update,
    body: metadataItemBody,
    status: 200,
    operation: setMetadataItem,
  },
  {
    method: 'DELETE',
    path: '/snapshots/:id/metadata/:key',
    policy: 'volume:delete_snapshot_metadata',
    status: 200,
    operation: removeMetadataItem,
  },
  {
    method: 'POST',
    path: '/snapshots/:id/action',
    action: 'os-reset_status',
    policy: 'volume_extension:snapshot_admin_actions:reset_status',
    body: action(
      'os-reset_status',
      { status: { ...text, enum: ['creating', 'available', 'deleting', 'error', 'error_deleting'] } },
      ['status'],
    ),
    status: 202,
    operation: resetSnapshot,
  },
  {
    method: 'POST',
    path: '/snapshots/:id/action',
    action: 'os-force_delete',
    policy: 'volume_extension:snapshot_admin_actions:force_delete',
    status: 202,
    operation: forceDeleteSnapshot,
  },
  {
    method: 'POST',
    path: '/snapshots/:id/action',
    action: 'os-update_snapshot_status',
    policy: 'snapshot_extension:snapshot_actions:update_snapshot_status',
    body: action('os-update_snapshot_status', { status: text, progress: { type: 'string', pattern: '^\\d{1,3}%$' } }, [
      'status',
    ]),
    status: 202,
    operation: updateSnapshotStatus,
  },
]
