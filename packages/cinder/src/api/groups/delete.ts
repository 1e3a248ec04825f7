import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { listAttachments } from '../../model/attachments/store.ts'
import { errors } from '../../model/errors.ts'
import { hasGroupSnapshots } from '../../model/group-snapshots/store.ts'
import { deleteGroupRow, setGroupOf, volumesOfGroup } from '../../model/groups/store.ts'
import { giveQuota } from '../../model/quotas/store.ts'
import { snapshotsOf } from '../../model/snapshots/store.ts'
import { deleteVolume, messageContext } from '../../model/topics.ts'
import { deleteVolumeAndReleaseQuota } from '../../model/volumes/release.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import { backendOf, lockVolume, type VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { isTruthy } from '../volumes/schema.ts'
import { groupFor } from './list.ts'

/**
 * POST /groups/{id}/action delete. A group with volumes is deleted only together with them (`delete-volumes`). Throws
 * 400 while it has snapshots, or while a volume of it is attached or has snapshots.
 */
export async function deleteGroup(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  const options = (request.body as { delete: { 'delete-volumes'?: unknown } }).delete
  const withVolumes = isTruthy(options['delete-volumes'])
  await deps.database.transaction(async (tx) => {
    const group = await groupFor(context, tx, request.params.id!, 'group:delete')
    if (await hasGroupSnapshots(tx, group.id)) {
      throw errors.InvalidGroup({ reason: `Group ${group.id} has dependent group snapshots.` })
    }
    const volumes = await volumesOfGroup(tx, group.id)
    if (volumes.length > 0 && !withVolumes) {
      throw errors.InvalidGroup({
        reason: `Group ${group.id} still contains volumes. The delete-volumes flag is required to delete it.`,
      })
    }
    for (const volume of volumes) await beginDeletion(tx, context, volume, deps)
    if (!(await deleteGroupRow(tx, group.id))) throw errors.GroupNotFound({ group_id: group.id })
    await giveQuota(tx, { projectId: group.project_id, deltas: { groups: 1 } })
  })
}

async function beginDeletion(tx: Transaction, context: Context, { id }: VolumeRow, deps: ApiDeps): Promise<void> {
  const volume = await lockVolume(tx, id)
  const from = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing']
  const busy = (await listAttachments(tx, { volume_id: id })).length > 0 || (await snapshotsOf(tx, id)).length > 0
  if (busy || !from.includes(volume.status)) {
    throw errors.InvalidVolume({ reason: `Volume ${id} in group is attached, has snapshots, or is ${volume.status}.` })
  }
  await setGroupOf(tx, id, null)
  if (volume.host === null) return deleteVolumeAndReleaseQuota(tx, { ...volume, group_id: null })
  const set = { task: null }
  await move(tx, { table: 'volumes', id, to: 'deleting', states: volumeStates, from, set })
  await deps.bus.cast(tx, deleteVolume, backendOf(volume.host), { volumeId: id }, messageContext(context))
}
