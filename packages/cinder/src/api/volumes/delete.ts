import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { listAttachments } from '../../model/attachments/store.ts'
import { errors } from '../../model/errors.ts'
import { snapshotStates } from '../../model/snapshots/states.ts'
import { snapshotsOf } from '../../model/snapshots/store.ts'
import { deleteVolume as deleteTopic, messageContext } from '../../model/topics.ts'
import { deleteVolumeAndReleaseQuota } from '../../model/volumes/release.ts'
import { deletable, volumeStates } from '../../model/volumes/states.ts'
import { backendOf, lockVolume, type VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { isTrue } from '../listing.ts'
import { getVolumeFor } from './authorize.ts'

interface DeletionOptions {
  /** Delete the snapshots too. */
  cascade: boolean
  /** Delete in any status. */
  force: boolean
}

/** DELETE /volumes/{id}. */
export async function deleteVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const cascade = isTrue(queryValue(request.query, 'cascade'))
  const force = context.allows('delete-with-force') && isTrue(queryValue(request.query, 'force'))
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, 'volume:delete')
  if (force) context.enforce('volume:force_delete', { project_id: volume.project_id, user_id: volume.user_id })
  await beginDeletion(context, volume.id, { cascade, force }, deps)
  return undefined
}

/** os-force_delete: deletes a volume in any status. */
export async function forceDeleteVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'volume_extension:volume_admin_actions:force_delete'
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  await beginDeletion(context, volume.id, { cascade: false, force: true }, deps)
  return undefined
}

async function beginDeletion(context: Context, id: string, options: DeletionOptions, deps: ApiDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, id)
    await checkDeletion(tx, volume, options)
    if (options.cascade) await beginSnapshotDeletions(context, tx, volume)
    // Without a placement no backend has the volume, so only the row is deleted.
    if (volume.host === null) return deleteVolumeAndReleaseQuota(tx, volume)
    const from = volume.status
    const set = { task: null }
    await move(tx, {
      table: 'volumes',
      id,
      to: 'deleting',
      states: { ...volumeStates, [from]: ['deleting'] },
      from,
      set,
    })
    await deps.bus.cast(tx, deleteTopic, backendOf(volume.host), { volumeId: id }, messageContext(context))
  })
}

async function checkDeletion(tx: Transaction, volume: VolumeRow, { cascade, force }: DeletionOptions): Promise<void> {
  const attachments = await listAttachments(tx, { volume_id: volume.id })
  if (attachments.some(({ status }) => status === 'attached') || (attachments.length > 0 && !force)) {
    throw errors.InvalidVolume({ reason: `Volume ${volume.id} is still attached, detach volume first.` })
  }
  const busy =
    !(force || deletable.includes(volume.status)) ||
    (volume.migration_status !== null && !['error', 'success', 'deleting'].includes(volume.migration_status)) ||
    volume.group_id !== null ||
    volume.consistencygroup_id !== null ||
    (!cascade && (await snapshotsOf(tx, volume.id)).length > 0)
  if (!busy) return
  const statuses = deletable.join(' or ')
  const reason =
    `Volume status must be ${statuses} and must not be migrating, attached, belong to a group, have snapshots, ` +
    'awaiting a transfer, or be disassociated from snapshots after volume transfer.'
  throw errors.InvalidVolume({ reason })
}

async function beginSnapshotDeletions(context: Context, tx: Transaction, volume: VolumeRow): Promise<void> {
  const foreign = (row: { project_id: string }) => row.project_id !== volume.project_id
  for (const snapshot of await snapshotsOf(tx, volume.id)) {
    const refused = snapshot.group_snapshot_id !== null || (foreign(snapshot) && !context.may('context_is_admin'))
    const from = ['available', 'error', 'deleting']
    const states = snapshotStates
    if (refused || !(await move(tx, { table: 'snapshots', id: snapshot.id, to: 'deleting', states, from }))) {
      const reason = `Failed to update snapshot ${snapshot.id}: it must be available, error or deleting to be deleted with its volume.`
      throw errors.InvalidVolume({ reason })
    }
  }
}
