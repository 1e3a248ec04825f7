import type { MessageContext } from '@hearth/bus'
import { own, requestId } from '@hearth/core'
import type { Query } from '@hearth/database'
import { backupsToRecover } from '../model/backups/store.ts'
import { createBackup, deleteBackup, restoreBackup } from '../model/topics.ts'
import type { RestoreTask } from '../model/volumes/tasks.ts'
import type { BackupDeps } from './deps.ts'
import { settleBackup } from './restore.ts'
import { dropTemporary } from './source.ts'

/**
 * Recovers interrupted backups: sends the messages of `creating`, `deleting` and restores again (their handlers also
 * bear the old message), makes a backup available whose restore lost its volume, and removes temporary copies.
 */
export async function recoverBackups(deps: BackupDeps): Promise<void> {
  const { database, bus, host } = deps
  const context: MessageContext = { requestId: requestId(), userId: null, projectId: null }
  for (const backup of await backupsToRecover(database.query, host, ['creating', 'deleting', 'restoring'])) {
    const topic = own({ creating: createBackup, deleting: deleteBackup }, backup.status)
    await database.transaction(async (tx) => {
      if (topic) await bus.cast(tx, topic, host, { backupId: backup.id }, context)
      await settleBackup(tx, backup.id)
    })
    if (backup.status !== 'creating') await dropTemporary(backup, deps)
  }
  for (const { volumeId, backupId } of await restoresOf(database.query, host)) {
    await database.transaction((tx) => bus.cast(tx, restoreBackup, host, { backupId, volumeId }, context))
  }
}

async function restoresOf(q: Query, host: string): Promise<{ volumeId: string; backupId: string }[]> {
  const rows: { id: string; task: string | null }[] = await q('volumes')
    .where({ status: 'restoring-backup' })
    .where('host', 'like', `${host}@%`)
    .select('id', 'task')
  return rows.flatMap(({ id, task }) => {
    const backupId = (JSON.parse(task ?? '{}') as Partial<RestoreTask>).restore?.backupId
    return backupId === undefined ? [] : [{ volumeId: id, backupId }]
  })
}
