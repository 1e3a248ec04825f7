import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { createBackup } from './create.ts'
import { deleteBackup, forceDeleteBackup } from './delete.ts'
import { listBackupDetails, listBackups, showBackup } from './list.ts'
import { exportRecord, importRecord } from './record.ts'
import { resetBackupStatus } from './reset-status.ts'
import { restoreBackup } from './restore.ts'
import * as schema from './schema.ts'
import { updateBackupFields } from './update.ts'

const all = '/backups'
const one = '/backups/:id'
const action = '/backups/:id/action'
const admin = 'volume_extension:backup_admin_actions'

export const backupRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: all,
    policy: 'backup:get_all',
    reply: schema.listSummaryReply,
    status: 200,
    operation: listBackups,
  },
  {
    method: 'GET',
    path: `${all}/detail`,
    policy: 'backup:get_all',
    reply: schema.listDetailReply,
    status: 200,
    operation: listBackupDetails,
  },
  {
    method: 'POST',
    path: all,
    policy: 'backup:create',
    body: schema.createBody,
    reply: schema.summaryReply,
    status: 202,
    operation: createBackup,
  },
  {
    method: 'POST',
    path: `${all}/import_record`,
    policy: 'backup:backup-import',
    body: schema.importBody,
    reply: schema.importReply,
    status: 201,
    operation: importRecord,
  },
  { method: 'GET', path: one, policy: 'backup:get', reply: schema.showReply, status: 200, operation: showBackup },
  {
    method: 'PUT',
    path: one,
    since: '3.9',
    policy: 'backup:update',
    body: schema.updateBody,
    reply: schema.summaryReply,
    status: 200,
    operation: updateBackupFields,
  },
  { method: 'DELETE', path: one, policy: 'backup:delete', status: 202, operation: deleteBackup },
  {
    method: 'POST',
    path: `${one}/restore`,
    policy: 'backup:restore',
    body: schema.restoreBody,
    status: 202,
    operation: restoreBackup,
  },
  { method: 'GET', path: `${one}/export_record`, policy: 'backup:export-import', status: 200, operation: exportRecord },
  {
    method: 'POST',
    path: action,
    action: 'os-reset_status',
    policy: `${admin}:reset_status`,
    body: schema.resetBody,
    status: 202,
    operation: resetBackupStatus,
  },
  {
    method: 'POST',
    path: action,
    action: 'os-force_delete',
    policy: `${admin}:force_delete`,
    status: 202,
    operation: forceDeleteBackup,
  },
]
