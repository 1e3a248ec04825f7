import { type Context, isoMicroseconds, isUuid, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { findBackup, getBackup, insertBackup, type NewBackup, nearestBackupRole } from '../../model/backups/store.ts'
import { errors } from '../../model/errors.ts'
import { takeQuota } from '../../model/quotas/store.ts'
import type { ApiDeps } from '../deps.ts'
import { checkBackup } from './list.ts'
import { summaryView } from './view.ts'

const zeroId = '00000000-0000-0000-0000-000000000000'

/** GET /backups/{id}/export_record: all that is needed to know the backup again after the database was lost. */
export async function exportRecord(context: Context, request: ApiRequest, deps: ApiDeps) {
  const backup = checkBackup(context, await getBackup(deps.database.query, request.params.id!), 'backup:export-import')
  if (backup.status !== 'available') {
    throw errors.InvalidBackup({ reason: `Backup status must be available and not ${backup.status}.` })
  }
  const { name, description, data_timestamp, created_at, updated_at, ...rest } = backup
  const record = {
    ...rest,
    display_name: name,
    display_description: description,
    data_timestamp: isoMicroseconds(data_timestamp),
    created_at: isoMicroseconds(created_at),
    updated_at: isoMicroseconds(updated_at),
    driver_info: {},
  }
  const backup_url = Buffer.from(JSON.stringify(record)).toString('base64')
  return { 'backup-record': { backup_service: backup.service ?? '', backup_url } }
}

/**
 * POST /backups/import_record. Inserts the backup under the id in the record. Throws 400 for an invalid record or an
 * existing id.
 */
export async function importRecord(context: Context, request: ApiRequest, deps: ApiDeps) {
  const body = (request.body as { 'backup-record': { backup_service: string; backup_url: string } })['backup-record']
  const backup = readRecord(body.backup_url, body.backup_service, context)
  const row = await deps.database.transaction(async (tx) => {
    if (await findBackup(tx, backup.id)) {
      throw errors.InvalidBackup({ reason: 'Backup already exists in database.' })
    }
    const projectId = backup.project_id
    await takeQuota(tx, { projectId, deltas: { backups: 1, backup_gigabytes: backup.size } })
    return insertBackup(tx, { ...backup, host: await nearestBackupRole(tx, backup.host!) })
  })
  return { backup: summaryView(request, row) }
}

function readRecord(text: string, service: string, context: Context): NewBackup {
  const record = decode(text)
  const string = (key: string): string | null => {
    const value = own(record, key)
    return typeof value === 'string' ? value : null
  }
  const id = string('id')
  const host = string('host')
  const size = Number(record.size)
  if (!isUuid(id) || host === null || !Number.isInteger(size) || size < 0 || string('service_metadata') === null) {
    throw errors.InvalidInput({ reason: "Can't parse backup record." })
  }
  return {
    id,
    host,
    size,
    service,
    // An imported backup belongs to the project that imports it.
    project_id: context.identity?.projectId ?? '',
    user_id: context.identity?.userId ?? '',
    volume_id: string('volume_id') ?? zeroId,
    snapshot_id: string('snapshot_id'),
    parent_id: string('parent_id'),
    name: string('display_name'),
    description: string('display_description'),
    status: 'available',
    availability_zone: string('availability_zone'),
    container: string('container'),
    object_count: Number(record.object_count) || 0,
    service_metadata: string('service_metadata'),
    data_timestamp: readTime(string('data_timestamp')),
    created_at: readTime(string('created_at')),
  }
}

function decode(text: string): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    if (typeof record === 'object' && record !== null) return record as Record<string, unknown>
  } catch {
    // Answered below, as for anything else that is no record.
  }
  throw errors.InvalidInput({ reason: "Can't parse backup record." })
}

function readTime(text: string | null): number {
  const time = text === null ? Number.NaN : Date.parse(/[zZ]$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(time) ? Date.now() : time
}
