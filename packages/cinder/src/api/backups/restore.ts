import type { Context } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { backupStates } from '../../model/backups/states.ts'
import { type BackupRow, getBackup, hasBackupRole } from '../../model/backups/store.ts'
import { errors } from '../../model/errors.ts'
import { checkVolumeSize } from '../../model/quotas/store.ts'
import { messageContext, restoreBackup as restoreTopic } from '../../model/topics.ts'
import { defaultVolumeType } from '../../model/types/store.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import type { RestoreTask } from '../../model/volumes/tasks.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { insertVolume } from '../volumes/create.ts'
import { resolveSource } from '../volumes/source.ts'
import { chooseZone } from '../volumes/zone.ts'
import { checkBackup } from './list.ts'

/**
 * POST /backups/{id}/restore, to the given volume or to a new one. Upstream responds after the new volume exists; here
 * the volume is `creating` at the response and becomes available with its bytes.
 */
export async function restoreBackup(context: Context, request: ApiRequest, deps: ApiDeps) {
  const body = (request.body as { restore: { name?: string | null; volume_id?: string | null } | null }).restore ?? {}
  const backup = checkBackup(context, await getBackup(deps.database.query, request.params.id!), 'backup:restore')
  if (backup.status !== 'available') throw errors.InvalidBackup({ reason: 'Backup status must be available' })
  const volume = body.volume_id
    ? await overwrite(context, backup, body.volume_id, deps)
    : await makeVolume(context, backup, body.name?.trim() || `restore_backup_${backup.id}`, deps)
  return { restore: { backup_id: backup.id, volume_id: volume.id, volume_name: volume.name ?? '' } }
}

async function makeVolume(context: Context, backup: BackupRow, name: string, deps: ApiDeps) {
  const q = deps.database.query
  const projectId = context.identity?.projectId ?? ''
  await checkVolumeSize(q, projectId, backup.size)
  const source = await resolveSource(context, { backup_id: backup.id }, deps)
  const type = await defaultVolumeType(q, projectId)
  const zone = await chooseZone(q, { wanted: null, source, type, fallback: deps.defaultZone })
  return deps.database.transaction((tx) =>
    insertVolume(tx, deps.bus, context, {
      projectId,
      userId: context.identity?.userId ?? '',
      name,
      description: null,
      sizeGiB: backup.size,
      type,
      zone,
      metadata: {},
      groupId: null,
      source,
    }),
  )
}

async function overwrite(context: Context, backup: BackupRow, volumeId: string, deps: ApiDeps) {
  const volume = await getVolumeFor(context, deps.database.query, volumeId, 'backup:restore')
  if (volume.size < backup.size) {
    throw errors.InvalidVolume({
      reason: `volume size ${volume.size} is too small to restore backup of size ${backup.size}.`,
    })
  }
  const host = volume.host?.split('@', 1)[0]
  if (host === undefined || !(await hasBackupRole(deps.database.query, host))) {
    throw errors.ServiceNotFound({ service_id: 'cinder-backup' })
  }
  const task: RestoreTask = { restore: { backupId: backup.id, fresh: false } }
  const set = { task: JSON.stringify(task) }
  await deps.database.transaction(async (tx) => {
    const from = 'available'
    const to = 'restoring-backup'
    if (!(await move(tx, { table: 'volumes', id: volume.id, to, states: volumeStates, from, set }))) {
      throw errors.InvalidVolume({ reason: 'Volume to be restored to must be available' })
    }
    const marked = { restore_volume_id: volume.id }
    const claim = { table: 'backups', id: backup.id, to: 'restoring', states: backupStates, from, set: marked }
    if (!(await move(tx, claim))) throw errors.InvalidBackup({ reason: 'Backup status must be available' })
    const payload = { backupId: backup.id, volumeId: volume.id }
    await deps.bus.cast(tx, restoreTopic, host, payload, messageContext(context))
  })
  return volume
}
