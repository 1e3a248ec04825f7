import { move, type Query, type Transaction } from '@hearth/database'
import { snapshotStates } from '../snapshots/states.ts'
import { volumeStates } from '../volumes/states.ts'
import { findVolume } from '../volumes/store.ts'
import type { BackupRow } from './store.ts'

/**
 * Restores the status of the source that a backup in `creating` was reading. Call it in the transaction that ends
 * `creating`, so that both happen or neither.
 */
export async function releaseSource(tx: Transaction, backup: BackupRow): Promise<void> {
  if (backup.snapshot_id !== null) {
    const { snapshot_id: id } = backup
    await move(tx, { table: 'snapshots', id, to: 'available', states: snapshotStates, from: 'backing-up' })
    return
  }
  const volume = await findVolume(tx, backup.volume_id)
  if (volume?.status !== 'backing-up') return
  const to = await statusAfterBackup(tx, volume.id, volume.previous_status)
  const set = { previous_status: null }
  await move(tx, { table: 'volumes', id: volume.id, to, states: volumeStates, from: 'backing-up', set })
}

/** The status from before, unless the volume was detached meanwhile. */
async function statusAfterBackup(q: Query, volumeId: string, previous: string | null): Promise<string> {
  if (previous !== 'in-use') return previous ?? 'available'
  const attached = await q('attachments').where({ volume_id: volumeId, status: 'attached' }).first('id')
  return attached ? 'in-use' : 'available'
}
