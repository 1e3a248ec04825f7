import type { MessageContext } from '@hearth/bus'
import { move } from '@hearth/database'
import { isDriverError } from '@hearth/driver'
import { deleteSnapshotAndReleaseQuota } from '../model/snapshots/release.ts'
import { type SnapshotRow, snapshotRef, snapshotsOf } from '../model/snapshots/store.ts'
import { deleteVolumeAndReleaseQuota } from '../model/volumes/release.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { backendOf, findVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import { waitForCopies } from './copies.ts'
import type { BackendDeps } from './deps.ts'

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
