import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import type { ModelUpdate } from '@hearth/driver'
import { addMessage } from '../../model/messages/store.ts'
import { snapshotStates } from '../../model/snapshots/states.ts'
import { findSnapshot, type SnapshotRow, snapshotRef } from '../../model/snapshots/store.ts'
import { findVolume } from '../../model/volumes/store.ts'
import type { BackendDeps } from '../deps.ts'

/** Creates a snapshot in `creating` on the backend. */
export async function createSnapshot(
  context: MessageContext,
  input: { snapshotId: string },
  deps: BackendDeps,
): Promise<void> {
  const { database, backend, log } = deps
  const found = await findSnapshot(database.query, input.snapshotId)
  if (!found) return
  await deps.withLock(found.volume_id, async () => {
    const snapshot = await findSnapshot(database.query, found.id)
    const volume = await findVolume(database.query, found.volume_id)
    if (snapshot?.status !== 'creating' || !volume) return
    let update: ModelUpdate | undefined
    try {
      update = await backend.volume.snapshot(snapshotRef(snapshot, volume), deps.signal)
    } catch (error) {
      if (deps.signal.aborted) throw error
      log.error({ err: error, snapshotId: snapshot.id, requestId: context.requestId }, 'snapshot could not be created')
      await backend.volume.deleteSnapshot(snapshotRef(snapshot, volume)).catch(() => undefined)
      return database.transaction((tx) => fail(tx, context, snapshot))
    }
    const set = { progress: '100%', provider_location: update?.providerLocation ?? null }
    const { id } = snapshot
    const states = snapshotStates
    await move(database.query, { table: 'snapshots', id, to: 'available', states, from: 'creating', set })
  })
}

async function fail(tx: Transaction, context: MessageContext, snapshot: SnapshotRow): Promise<void> {
  const states = snapshotStates
  if (!(await move(tx, { table: 'snapshots', id: snapshot.id, to: 'error', states, from: 'creating' }))) return
  await addMessage(tx, {
    projectId: snapshot.project_id,
    action: 'create-snapshot',
    resourceType: 'VOLUME_SNAPSHOT',
    resourceId: snapshot.id,
    detail: 'snapshot-failed',
    requestId: context.requestId,
  })
}
