import type { Context } from '@hearth/core'
import { insertIfAbsent, move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { listAttachments } from '../../model/attachments/store.ts'
import { errors } from '../../model/errors.ts'
import { deleteSnapshotAndReleaseQuota } from '../../model/snapshots/release.ts'
import { snapshotStates } from '../../model/snapshots/states.ts'
import { snapshotRef, snapshotsOf } from '../../model/snapshots/store.ts'
import { deleteVolumeAndReleaseQuota } from '../../model/volumes/release.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import { backendOf, lockVolume, volumeRef } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getSnapshotFor } from '../snapshots/authorize.ts'
import { getVolumeFor } from '../volumes/authorize.ts'

/** os-unmanage of a volume: deletes its row and releases its quota; its bytes stay on the backend. */
export async function unmanageVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'volume_extension:volume_unmanage'
  const { id } = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, id)
    if (volume.encryption_key_id !== null) {
      throw errors.InvalidParameter({ reason: 'Unmanaging encrypted volumes is not supported.' })
    }
    const isInUse =
      (await snapshotsOf(tx, id)).length > 0 ||
      (await listAttachments(tx, { volume_id: id })).length > 0 ||
      volume.group_id !== null
    const from = ['available']
    const states = volumeStates
    if (isInUse || !(await move(tx, { table: 'volumes', id, to: 'unmanaging', states, from }))) {
      const reason = 'Volume status must be available to be unmanaged, without snapshots, attachments or group.'
      throw errors.InvalidVolume({ reason })
    }
    if (volume.host !== null) await recordUnmanaged(tx, volume.host, volumeRef(volume).name)
    await deleteVolumeAndReleaseQuota(tx, volume)
  })
  return undefined
}

/** os-unmanage of a snapshot: deletes its row and releases its quota; the snapshot stays on the backend. */
export async function unmanageSnapshot(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'snapshot_extension:snapshot_unmanage'
  const snapshot = await getSnapshotFor(context, deps.database.query, request.params.id!, rule)
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, snapshot.volume_id)
    const states = snapshotStates
    const from = 'available'
    if (!(await move(tx, { table: 'snapshots', id: snapshot.id, to: 'unmanaging', states, from }))) {
      throw errors.InvalidSnapshot({ reason: 'Snapshot status must be available to be unmanaged.' })
    }
    if (volume.host !== null) await recordUnmanaged(tx, volume.host, snapshotRef(snapshot, volume).name)
    await deleteSnapshotAndReleaseQuota(tx, snapshot)
  })
  return undefined
}

/** Records that an object with Hearth's name is not an orphan although it has no row. */
async function recordUnmanaged(tx: Transaction, host: string, name: string): Promise<void> {
  await insertIfAbsent(tx, 'unmanaged_objects', { host: backendOf(host), name })
}
