import type { Route, Schema } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { plainReply as snapshotReply } from '../snapshots/schema.ts'
import {
  booleanField,
  descriptionField,
  metadataField,
  nameField,
  uuidField,
  detailReply as volumeReply,
} from '../volumes/schema.ts'
import { adoptSnapshot } from './adopt-snapshot.ts'
import { adoptVolume } from './adopt-volume.ts'
import { listManageable } from './list.ts'
import { unmanageSnapshot, unmanageVolume } from './unmanage.ts'

const textOrNull = { type: ['string', 'null'], maxLength: 255 }
const shared: Record<string, Schema> = {
  ref: { type: 'object', minProperties: 1 },
  name: nameField,
  description: descriptionField,
  metadata: { ...metadataField, type: ['object', 'null'] },
}

const volumeBody: Schema = {
  type: 'object',
  required: ['volume'],
  properties: {
    volume: {
      type: 'object',
      required: ['host', 'ref'],
      properties: {
        ...shared,
        host: { type: 'string', minLength: 1, maxLength: 255 },
        volume_type: textOrNull,
        availability_zone: textOrNull,
        bootable: booleanField,
      },
    },
  },
}

const snapshotBody: Schema = {
  type: 'object',
  required: ['snapshot'],
  properties: {
    snapshot: { type: 'object', required: ['volume_id', 'ref'], properties: { ...shared, volume_id: uuidField } },
  },
}

/** Returns each route twice: with upstream's old path and, since 3.8, as a resource. */
function rows(old: string, path: string, policies: { manage: string; list: string }, manage: Partial<Route<ApiDeps>>) {
  const post = { method: 'POST', policy: policies.manage, status: 202, ...manage } as Route<ApiDeps>
  const get: Omit<Route<ApiDeps>, 'path'> = {
    method: 'GET',
    policy: policies.list,
    status: 200,
    operation: listManageable,
  }
  return [
    { ...post, path: old },
    { ...get, path: old },
    { ...get, path: `${old}/detail` },
    { ...post, path, since: '3.8' },
    { ...get, path, since: '3.8' },
    { ...get, path: `${path}/detail`, since: '3.8' },
  ] satisfies Route<ApiDeps>[]
}

export const manageRoutes: Route<ApiDeps>[] = [
  ...rows(
    '/os-volume-manage',
    '/manageable_volumes',
    { manage: 'volume_extension:volume_manage', list: 'volume_extension:list_manageable' },
    { body: volumeBody, reply: volumeReply, operation: adoptVolume },
  ),
  ...rows(
    '/os-snapshot-manage',
    '/manageable_snapshots',
    { manage: 'snapshot_extension:snapshot_manage', list: 'snapshot_extension:list_manageable' },
    { body: snapshotBody, reply: snapshotReply, operation: adoptSnapshot },
  ),
  {
    method: 'POST',
    path: '/volumes/:id/action',
    action: 'os-unmanage',
    policy: 'volume_extension:volume_unmanage',
    status: 202,
    operation: unmanageVolume,
  },
  {
    method: 'POST',
    path: '/snapshots/:id/action',
    action: 'os-unmanage',
    policy: 'snapshot_extension:snapshot_unmanage',
    status: 202,
    operation: unmanageSnapshot,
  },
]
