import type { Database } from '@hearth/database'
import type { Route } from '@hearth/http'
import { addProjectAccess, listTypeAccess, removeProjectAccess } from './access.ts'
import { createType } from './create.ts'
import { deleteType } from './delete.ts'
import {
  changeEncryption,
  createEncryption,
  removeEncryption,
  showEncryption,
  showEncryptionKey,
} from './encryption.ts'
import { createExtraSpecs, listExtraSpecs, removeExtraSpec, showExtraSpec, updateExtraSpec } from './extra-specs.ts'
import { listTypes } from './list.ts'
import * as schema from './schema.ts'
import { showDefaultType, showType } from './show.ts'
import { updateType } from './update.ts'

const specs = 'volume_extension:types_extra_specs'
const encryption = 'volume_extension:volume_type_encryption'

export const typeRoutes: Route<{ database: Database }>[] = [
  {
    method: 'GET',
    path: '/types',
    policy: 'volume_extension:type_get_all',
    reply: schema.listReply,
    status: 200,
    operation: listTypes,
  },
  {
    method: 'GET',
    path: '/types/default',
    policy: 'volume_extension:type_get',
    reply: schema.showReply,
    status: 200,
    operation: showDefaultType,
  },
  {
    method: 'GET',
    path: '/types/:id',
    policy: 'volume_extension:type_get',
    reply: schema.showReply,
    status: 200,
    operation: showType,
  },
  {
    method: 'POST',
    path: '/types',
    policy: 'volume_extension:type_create',
    body: schema.createBody,
    reply: schema.createReply,
    status: 200,
    operation: createType,
  },
  {
    method: 'PUT',
    path: '/types/:id',
    policy: 'volume_extension:type_update',
    body: schema.updateBody,
    reply: schema.updateReply,
    status: 200,
    operation: updateType,
  },
  { method: 'DELETE', path: '/types/:id', policy: 'volume_extension:type_delete', status: 202, operation: deleteType },
  { method: 'GET', path: '/types/:id/extra_specs', policy: `${specs}:index`, status: 200, operation: listExtraSpecs },
  {
    method: 'POST',
    path: '/types/:id/extra_specs',
    policy: `${specs}:create`,
    body: schema.extraSpecsBody,
    status: 200,
    operation: createExtraSpecs,
  },
  {
    method: 'GET',
    path: '/types/:id/extra_specs/:key',
    policy: `${specs}:show`,
    status: 200,
    operation: showExtraSpec,
  },
  {
    method: 'PUT',
    path: '/types/:id/extra_specs/:key',
    policy: `${specs}:update`,
    body: schema.extraSpecBody,
    status: 200,
    operation: updateExtraSpec,
  },
  {
    method: 'DELETE',
    path: '/types/:id/extra_specs/:key',
    policy: `${specs}:delete`,
    status: 202,
    operation: removeExtraSpec,
  },
  {
    method: 'GET',
    path: '/types/:id/os-volume-type-access',
    policy: 'volume_extension:volume_type_access:get_all_for_type',
    status: 200,
    operation: listTypeAccess,
  },
  {
    method: 'POST',
    path: '/types/:id/action',
    action: 'addProjectAccess',
    policy: 'volume_extension:volume_type_access:addProjectAccess',
    body: schema.accessBody('addProjectAccess'),
    status: 202,
    operation: addProjectAccess,
  },
  {
    method: 'POST',
    path: '/types/:id/action',
    action: 'removeProjectAccess',
    policy: 'volume_extension:volume_type_access:removeProjectAccess',
    body: schema.accessBody('removeProjectAccess'),
    status: 202,
    operation: removeProjectAccess,
  },
  { method: 'GET', path: '/types/:id/encryption', policy: `${encryption}:get`, status: 200, operation: showEncryption },
  {
    method: 'GET',
    path: '/types/:id/encryption/:key',
    policy: `${encryption}:get`,
    status: 200,
    operation: showEncryptionKey,
  },
  {
    method: 'POST',
    path: '/types/:id/encryption',
    policy: `${encryption}:create`,
    body: schema.createEncryptionBody,
    status: 200,
    operation: createEncryption,
  },
  {
    method: 'PUT',
    path: '/types/:id/encryption/:key',
    policy: `${encryption}:update`,
    body: schema.updateEncryptionBody,
    status: 200,
    operation: changeEncryption,
  },
  {
    method: 'DELETE',
    path: '/types/:id/encryption/:key',
    policy: `${encryption}:delete`,
    status: 202,
    operation: removeEncryption,
  },
]
