import type { MessageContext } from '@hearth/bus'
import { move } from '@hearth/database'
import { isDriverError } from '@hearth/driver'
import { addMessage } from '../../model/messages/store.ts'
import { deleteSnapshotAndReleaseQuota } from '../../model/snapshots/release.ts'
import { snapshotStates } from '../../model/snapshots/states.ts'
import { findSnapshot, type SnapshotRow, snapshotRef } from '../../model/snapshots/store.ts'
import { findVolume } from '../../model/volumes/store.ts'
import { waitForCopies } from '../copies.ts'
import type { BackendDeps } from '../deps.ts'

/** Removes a snapshot in `deleting` from the backend, then deletes its row. */
export async function deleteSnapshot(
  context: MessageContext,
  input: { snapshotId: string },
  deps: BackendDeps,
): Promise<void> {
  const { database, backend, log } = deps
  const found = await findSnapshot(database.query, input.snapshotId)
  if (!found) return
  await waitForCopies({ snapshot_id: found.id }, deps)
  await deps.withLock(found.volume_id, async () => {
    const snapshot = await findSnapshot(database.query, found.id)
    const volume = await findVolume(database.query, found.volume_id)
    if (snapshot?.status !== 'deleting') return
    try {
      if (volume) await backend.volume.deleteSnapshot(snapshotRef(snapshot, volume), deps.signal)
    } catch (error) {
      if (deps.signal.aborted) throw error
      log.error({ err: error, snapshotId: snapshot.id, requestId: context.requestId }, 'snapshot could not be deleted')
      await failDeletion(context, snapshot, isDriverError(error) && error.kind === 'busy', deps)
      return
    }
    await database.transaction((tx) => deleteSnapshotAndReleaseQuota(tx, snapshot))
  })
}

async function failDeletion(
  context: MessageContext,
  snapshot: SnapshotRow,
  busy: boolean,
  deps: BackendDeps,
): Promise<void> {
  const to = busy ? 'available' : 'error_deleting'
  await deps.database.transaction(async (tx) => {
    const states = snapshotStates
    if (!(await move(tx, { table: 'snapshots', id: snapshot.id, to, states, from: 'deleting' }))) return
    await addMessage(tx, {
      projectId: snapshot.project_id,
      action: 'delete-snapshot',
      resourceType: 'VOLUME_SNAPSHOT',
      resourceId: snapshot.id,
      detail: busy ? 'snapshot-busy' : 'snapshot-delete-failed',
      requestId: context.requestId,
    })
  })
}
