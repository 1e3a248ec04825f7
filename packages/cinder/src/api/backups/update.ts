import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { type BackupRow, getBackup, updateBackup, writeBackupMetadata } from '../../model/backups/store.ts'
import { errors } from '../../model/errors.ts'
import { checkBackup } from './list.ts'
import { summaryView } from './view.ts'

interface UpdateBody {
  name?: string | null
  description?: string | null
  metadata?: Record<string, string> | null
}

/** PUT /backups/{id}: name, description and, since 3.43, metadata. */
export async function updateBackupFields(context: Context, request: ApiRequest, deps: { database: Database }) {
  const body = (request.body as { backup: UpdateBody }).backup
  if (Object.keys(body).length === 0) {
    throw errors.InvalidParameter({
      reason: "Must supply 'name', 'description' or 'metadata' of the backup to update.",
    })
  }
  const row = await deps.database.transaction(async (tx) => {
    const backup = checkBackup(context, await getBackup(tx, request.params.id!), 'backup:update')
    const set: Partial<BackupRow> = {}
    if (body.name !== undefined) set.name = body.name?.trim() ?? null
    if (body.description !== undefined) set.description = body.description?.trim() ?? null
    await updateBackup(tx, backup.id, set)
    if (body.metadata) await writeBackupMetadata(tx, backup.id, body.metadata)
    return { ...backup, ...set }
  })
  return { backup: { ...summaryView(request, row), metadata: body.metadata ?? {} } }
}
