import type { MessageContext } from '@hearth/bus'
import { move } from '@hearth/database'
import { isDriverError } from '@hearth/driver'
import { backupStates } from '../model/backups/states.ts'
import { type BackupRow, deleteBackupRow, findBackup } from '../model/backups/store.ts'
import { addMessage } from '../model/messages/store.ts'
import { giveQuota } from '../model/quotas/store.ts'
import type { BackupDeps } from './deps.ts'
import { purgeObjects } from './objects.ts'
import { dropTemporary } from './source.ts'
import { deleteWhole, isWhole } from './whole.ts'

/** Removes the objects and then the row of a backup in `deleting`. Waits for a creation that is being given up. */
export async function deleteBackup(context: MessageContext, input: { backupId: string }, deps: BackupDeps) {
  await deps.exclusive(input.backupId, async () => {
    const backup = await findBackup(deps.database.query, input.backupId)
    if (backup?.status !== 'deleting') return
    try {
      await remove(backup, deps)
    } catch (error) {
      if (deps.signal.aborted) throw error
      await fail(context, backup, error, deps)
    }
  })
}

async function remove(backup: BackupRow, deps: BackupDeps): Promise<void> {
  const store = await deps.store(backup.project_id)
  if (!isWhole(backup)) await purgeObjects(backup, store)
  await deleteWhole(backup, store, deps)
  await dropTemporary(backup, deps)
  await deps.database.transaction(async (tx) => {
    if (!(await deleteBackupRow(tx, backup.id))) return
    const deltas = { backups: 1, backup_gigabytes: backup.size }
    await giveQuota(tx, { projectId: backup.project_id, deltas })
  })
}

async function fail(context: MessageContext, backup: BackupRow, error: unknown, deps: BackupDeps): Promise<void> {
  deps.log.error({ err: error, backupId: backup.id, requestId: context.requestId }, 'a backup could not be deleted')
  const reason = isDriverError(error) ? error.message : 'The backup could not be deleted.'
  await deps.database.transaction(async (tx) => {
    const set = { fail_reason: reason.slice(0, 255) }
    const from = 'deleting'
    if (!(await move(tx, { table: 'backups', id: backup.id, to: 'error', states: backupStates, from, set }))) return
    await addMessage(tx, {
      projectId: backup.project_id,
      action: 'delete-backup',
      detail: 'backup-delete-failed',
      resourceType: 'VOLUME_BACKUP',
      resourceId: backup.id,
      requestId: context.requestId,
    })
  })
}
