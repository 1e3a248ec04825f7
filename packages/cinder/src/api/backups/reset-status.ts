import type { Context } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { releaseSource } from '../../model/backups/release.ts'
import { backupStates } from '../../model/backups/states.ts'
import { getBackup } from '../../model/backups/store.ts'
import { errors } from '../../model/errors.ts'
import type { ApiDeps } from '../deps.ts'
import { checkBackup } from './list.ts'

/** An administrator may set every status to `available` or `error`, except `deleting`. */
const resetStates = Object.fromEntries(
  Object.keys(backupStates).map((from) => [from, from === 'deleting' ? [] : ['available', 'error']]),
)

/** POST /backups/{id}/action os-reset_status. A backup that is being created is given up and its source released. */
export async function resetBackupStatus(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  const { status } = (request.body as { 'os-reset_status': { status: string } })['os-reset_status']
  await deps.database.transaction(async (tx) => {
    const rule = 'volume_extension:backup_admin_actions:reset_status'
    const backup = checkBackup(context, await getBackup(tx, request.params.id!), rule)
    if (backup.status === 'creating' && status === 'available') {
      throw errors.InvalidBackup({ reason: 'A backup that is being created can only be reset to error.' })
    }
    const set = { fail_reason: null }
    if (!(await move(tx, { table: 'backups', id: backup.id, to: status, states: resetStates, set }))) {
      throw errors.InvalidBackup({ reason: `Backup status is ${backup.status}.` })
    }
    if (backup.status === 'creating') await releaseSource(tx, backup)
  })
}
