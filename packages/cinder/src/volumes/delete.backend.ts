import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { isDriverError } from '@hearth/driver'
import { giveQuota } from '../quotas/store.ts'
import { deleteSnapshotRow, type SnapshotRow, snapshotRef, snapshotsOf } from '../snapshots/store.ts'
import type { BackendDeps } from './backend-deps.ts'
import { waitForCopies } from './copies.ts'
import { typeNameOf } from './quota.ts'
import { volumeStates } from './states.ts'
import { backendOf, deleteVolumeRow, findVolume, type VolumeRow, volumeRef } from './store.ts'

/** Removes a volume in `deleting` from the backend, after its snapshots, then deletes its row. */
export async function deleteVolume(
  context: MessageContext,
  input: { volumeId: string },
  deps: BackendDeps,
): Promise<void> {
  await waitForCopies({ source_volid: input.volumeId }, deps)
  await deps.withLock(input.volumeId, async () => {
    const { database, backend, log } = deps
    const volume = await findVolume(database.query, input.volumeId)
    if (volume?.status !== 'deleting' || volume.host === null || backendOf(volume.host) !== backend.host) return
    try {
      for (const snapshot of await snapshotsOf(database.query, volume.id)) await removeSnapshot(snapshot, volume, deps)
      await backend.export?.remove(volumeRef(volume).name)
      await backend.volume.delete(volumeRef(volume), deps.signal)
    } catch (error) {
      if (deps.signal.aborted) throw error
      log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'volume could not be deleted')
      const to = isDriverError(error) && error.kind === 'busy' ? 'available' : 'error_deleting'
      const set = { task: null, previous_status: null }
      const states = volumeStates
      await move(database.query, { table: 'volumes', id: volume.id, to, states, from: 'deleting', set })
      return
    }
    await database.transaction((tx) => deleteVolumeAndReleaseQuota(tx, volume))
  })
}

async function removeSnapshot(snapshot: SnapshotRow, volume: VolumeRow, deps: BackendDeps): Promise<void> {
  await deps.backend.volume.deleteSnapshot(snapshotRef(snapshot, volume), deps.signal)
  await deps.database.transaction((tx) => deleteSnapshotAndReleaseQuota(tx, snapshot))
}

/** Deletes the row and releases its quota. Does nothing if the row is gone, so quota is released once. */
export async function deleteVolumeAndReleaseQuota(tx: Transaction, volume: VolumeRow): Promise<void> {
  const deleted = await deleteVolumeRow(tx, volume.id)
  if (!deleted || !volume.use_quota) return
  const deltas = { volumes: 1, gigabytes: volume.size }
  const volumeTypeName = await typeNameOf(tx, volume.volume_type_id)
  await giveQuota(tx, { projectId: volume.project_id, deltas, volumeTypeName })
}

/** Deletes the row and releases its quota. Does nothing if the row is gone, so quota is released once. */
export async function deleteSnapshotAndReleaseQuota(tx: Transaction, snapshot: SnapshotRow): Promise<void> {
  const deleted = await deleteSnapshotRow(tx, snapshot.id)
  if (!deleted || !snapshot.use_quota) return
  const deltas = { snapshots: 1, gigabytes: snapshot.size }
  const volumeTypeName = await typeNameOf(tx, snapshot.volume_type_id)
  await giveQuota(tx, { projectId: snapshot.project_id, deltas, volumeTypeName })
}
