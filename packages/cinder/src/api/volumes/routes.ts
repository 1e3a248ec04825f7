import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { volumeActionRoutes } from './actions/routes.ts'
import { createVolume } from './create.ts'
import { deleteVolume } from './delete.ts'
import { listVolumeDetails, listVolumes, summarizeVolumes } from './list.ts'
import { listMetadata, removeMetadataItem, setMetadata, setMetadataItem, showMetadataItem } from './metadata.ts'
import * as schema from './schema.ts'
import { showEncryption, showEncryptionKey, showVolume } from './show.ts'
import { updateVolume } from './update.ts'

const encryption = 'volume_extension:volume_encryption_metadata'
const readMetadata = 'volume:get_volume_metadata'
const writeMetadata = 'volume:update_volume_metadata'

export const volumeRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: '/volumes',
    policy: 'volume:get_all',
    reply: schema.listReply,
    status: 200,
    operation: listVolumes,
  },
  {
    method: 'GET',
    path: '/volumes/detail',
    policy: 'volume:get_all',
    reply: schema.detailListReply,
    status: 200,
    operation: listVolumeDetails,
  },
  {
    method: 'GET',
    path: '/volumes/summary',
    since: '3.12',
    policy: 'volume:get_all',
    reply: schema.summaryReply,
    status: 200,
    operation: summarizeVolumes,
  },
  {
    method: 'POST',
    path: '/volumes',
    policy: 'volume:create',
    body: schema.createBody,
    reply: schema.plainReply,
    status: 202,
    operation: createVolume,
  },
  {
    method: 'GET',
    path: '/volumes/:id',
    policy: 'volume:get',
    reply: schema.detailReply,
    status: 200,
    operation: showVolume,
  },
  {
    method: 'PUT',
    path: '/volumes/:id',
    policy: 'volume:update',
    body: schema.updateBody,
    reply: schema.plainReply,
    status: 200,
    operation: updateVolume,
  },
  { method: 'DELETE', path: '/volumes/:id', policy: 'volume:delete', status: 202, operation: deleteVolume },
  { method: 'GET', path: '/volumes/:id/encryption', policy: encryption, status: 200, operation: showEncryption },
  {
    method: 'GET',
    path: '/volumes/:id/encryption/:key',
    policy: encryption,
    status: 200,
    operation: showEncryptionKey,
  },
  { method: 'GET', path: '/volumes/:id/metadata', policy: readMetadata, status: 200, operation: listMetadata },
  {
    method: 'POST',
    path: '/volumes/:id/metadata',
    policy: 'volume:create_volume_metadata',
    body: schema.metadataBody,
    status: 200,
    operation: setMetadata,
  },
  {
    method: 'PUT',
    path: '/volumes/:id/metadata',
    policy: writeMetadata,
    body: schema.metadataBody,
    status: 200,
    operation: setMetadata,
  },
  { method: 'GET', path: '/volumes/:id/metadata/:key', policy: readMetadata, status: 200, operation: showMetadataItem },
  {
    method: 'PUT',
    path: '/volumes/:id/metadata/:key',
    policy: writeMetadata,
    body: schema.metadataItemBody,
    status: 200,
    operation: setMetadataItem,
  },
  {
    method: 'DELETE',
    path: '/volumes/:id/metadata/:key',
    policy: 'volume:delete_volume_metadata',
    status: 200,
    operation: removeMetadataItem,
  },
  ...volumeActionRoutes,
]
