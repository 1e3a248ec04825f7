import type { Bus, MessageContext } from '@hearth/bus'
import { own } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import { backupStates } from '../model/backups/states.ts'
import { addMessage } from '../model/messages/store.ts'
import { restoreBackup } from '../model/topics.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { getVolume } from '../model/volumes/store.ts'
import type { RestoreTask } from '../model/volumes/tasks.ts'

/**
 * Continues after a volume was created for a backup: in the caller's transaction moves it from `creating` to
 * `restoring-backup` and casts to the backup role of its host. If the backup is gone the volume ends in `error`.
 */
export async function restoreIntoNewVolume(
  tx: Transaction,
  bus: Bus,
  context: MessageContext,
  input: { volumeId: string; backupId: string },
): Promise<void> {
  const { volumeId: id, backupId } = input
  const from = ['creating', 'downloading'].filter((status) => own(volumeStates, status)?.includes('restoring-backup'))
  const task: RestoreTask = { restore: { backupId, fresh: true } }
  const volume = await getVolume(tx, id)
  if (!(await claimBackup(tx, backupId))) {
    await move(tx, { table: 'volumes', id, to: 'error', states: volumeStates, from, set: { task: null } })
    await addMessage(tx, {
      projectId: volume.project_id,
      action: 'restore-backup',
      detail: 'restore-failed',
      resourceType: 'VOLUME',
      resourceId: id,
      requestId: context.requestId,
    })
    return
  }
  const set = { task: JSON.stringify(task) }
  const moved = await move(tx, { table: 'volumes', id, to: 'restoring-backup', states: volumeStates, from, set })
  if (moved) await bus.cast(tx, restoreBackup, volume.host!.split('@', 1)[0]!, { backupId, volumeId: id }, context)
}

/** Marks the backup as being restored; several volumes may be made of one at once. */
async function claimBackup(tx: Transaction, id: string): Promise<boolean> {
  if (await move(tx, { table: 'backups', id, to: 'restoring', states: backupStates, from: 'available' })) return true
  return Boolean(await tx('backups').where({ id, status: 'restoring' }).first('id'))
}
