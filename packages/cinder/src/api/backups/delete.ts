import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { releaseSource } from '../../model/backups/release.ts'
import { backupStates, deletableBackups } from '../../model/backups/states.ts'
import { type BackupRow, getBackup, isBeingRestored, withDependents } from '../../model/backups/store.ts'
import { errors } from '../../model/errors.ts'
import { deleteBackup as deleteTopic, messageContext } from '../../model/topics.ts'
import type { ApiDeps } from '../deps.ts'
import { checkBackup } from './list.ts'

/** DELETE /backups/{id}. Throws 400 unless the backup is available or in error and no other backup builds on it. */
export async function deleteBackup(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const backup = checkBackup(context, await getBackup(tx, request.params.id!), 'backup:delete')
    if (await isBeingRestored(tx, backup.id)) {
      throw errors.InvalidBackup({ reason: 'Backup is being restored to a volume.' })
    }
    await begin(tx, context, backup, deletableBackups, deps)
  })
}

/** POST /backups/{id}/action os-force_delete. Works in any status; a creation under way is given up. */
export async function forceDeleteBackup(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const rule = 'volume_extension:backup_admin_actions:force_delete'
    const backup = checkBackup(context, await getBackup(tx, request.params.id!), rule)
    await begin(tx, context, backup, Object.keys(backupStates), deps)
  })
}

async function begin(tx: Transaction, context: Context, backup: BackupRow, from: string[], deps: ApiDeps) {
  if ((await withDependents(tx, [backup.id])).size > 0) {
    throw errors.InvalidBackup({ reason: 'Incremental backups exist for this backup.' })
  }
  const moved = await move(tx, { table: 'backups', id: backup.id, to: 'deleting', states: backupStates, from })
  if (!moved) throw errors.InvalidBackup({ reason: 'Backup status must be available or error' })
  if (backup.status === 'creating') await releaseSource(tx, backup)
  await deps.bus.cast(tx, deleteTopic, backup.host!, { backupId: backup.id }, messageContext(context))
}
