import type { MessageContext } from '@hearth/bus'
import { move } from '@hearth/database'
import { copyBlocks, DriverError, type SnapshotRef } from '@hearth/driver'
import { snapshotStates } from '../model/snapshots/states.ts'
import { findSnapshot, snapshotRef } from '../model/snapshots/store.ts'
import { openSnapshotBlocks, openVolumeBlocks } from '../model/volumes/open-blocks.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { findVolume } from '../model/volumes/store.ts'
import type { RevertTask } from '../model/volumes/tasks.ts'
import type { BackendDeps } from './deps.ts'

/** Reverts a volume in `reverting` to its snapshot. May be repeated. */
export async function revertVolume(
  context: MessageContext,
  input: { volumeId: string },
  deps: BackendDeps,
): Promise<void> {
  await deps.withLock(input.volumeId, async () => {
    const { database, log } = deps
    const volume = await findVolume(database.query, input.volumeId)
    if (volume?.status !== 'reverting') return
    const { snapshotId } = JSON.parse(volume.task ?? '{}') as RevertTask
    const snapshot = await findSnapshot(database.query, snapshotId)
    let to = 'available'
    try {
      if (!snapshot) throw new DriverError('not-found', `snapshot ${snapshotId} is gone`)
      await revert(snapshotRef(snapshot, volume), deps)
    } catch (error) {
      if (deps.signal.aborted) throw error
      log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'volume could not be reverted')
      to = 'error'
    }
    await database.transaction(async (tx) => {
      const set = { previous_status: null, task: null }
      await move(tx, { table: 'volumes', id: volume.id, to, states: volumeStates, from: 'reverting', set })
      const states = snapshotStates
      await move(tx, { table: 'snapshots', id: snapshotId, to: 'available', states, from: 'restoring' })
    })
  })
}

async function revert(snapshot: SnapshotRef, { backend, signal }: BackendDeps): Promise<void> {
  if (backend.volume.revert) return backend.volume.revert(snapshot, signal)
  const source = await openSnapshotBlocks(backend, snapshot)
  try {
    const target = await openVolumeBlocks(backend, snapshot.volume, 'rw')
    await copyBlocks(source, target, { targetIsZero: false, signal }).finally(() => target.close())
  } finally {
    await source.close()
  }
}
