import type { Context } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { deleteSnapshotAndReleaseQuota } from '../../model/snapshots/release.ts'
import { deletableSnapshots, snapshotStates } from '../../model/snapshots/states.ts'
import type { SnapshotRow } from '../../model/snapshots/store.ts'
import { deleteSnapshot as deleteTopic, messageContext } from '../../model/topics.ts'
import { backendOf, findVolume } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getSnapshotFor } from './authorize.ts'

/** DELETE /snapshots/{id}. */
export async function deleteSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const snapshot = await getSnapshotFor(context, deps.database.query, request.params.id!, 'volume:delete_snapshot')
  return beginDeletion(context, snapshot, deletableSnapshots, deps)
}

/** os-force_delete: deletes a snapshot in any status. */
export async function forceDeleteSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'volume_extension:snapshot_admin_actions:force_delete'
  const snapshot = await getSnapshotFor(context, deps.database.query, request.params.id!, rule)
  return beginDeletion(context, snapshot, [snapshot.status], deps)
}

async function beginDeletion(
  context: Context,
  snapshot: SnapshotRow,
  from: string[],
  deps: ApiDeps,
): Promise<undefined> {
  const statuses = deletableSnapshots.join(' or ')
  const reason = `Snapshot status must be ${statuses}, and must not be part of a group snapshot.`
  if (snapshot.group_snapshot_id !== null) throw errors.InvalidSnapshot({ reason })
  await deps.database.transaction(async (tx) => {
    const states = { ...snapshotStates, ...Object.fromEntries(from.map((status) => [status, ['deleting']])) }
    const moved = await move(tx, { table: 'snapshots', id: snapshot.id, to: 'deleting', states, from })
    if (!moved) throw errors.InvalidSnapshot({ reason })
    const volume = await findVolume(tx, snapshot.volume_id)
    if (volume?.host == null) return deleteSnapshotAndReleaseQuota(tx, snapshot)
    await deps.bus.cast(tx, deleteTopic, backendOf(volume.host), { snapshotId: snapshot.id }, messageContext(context))
  })
  return undefined
}
