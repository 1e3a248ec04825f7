import { type Blocks, DriverError, type SnapshotRef, type VolumeRef } from '@hearth/driver'
import type { Backend } from '../model/backends.ts'
import { type BackupRow, updateBackup } from '../model/backups/store.ts'
import { findSnapshot, snapshotRef } from '../model/snapshots/store.ts'
import { canReadSnapshots, openSnapshotBlocks, openVolumeBlocks } from '../model/volumes/open-blocks.ts'
import { findVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import { type BackupDeps, backendFor } from './deps.ts'

/**
 * Opens the bytes to save, which do not change: the snapshot, a volume that is not attached, or a temporary snapshot
 * (or clone) of an attached one, recorded in the row before it is created. The caller closes them.
 */
export async function openSource(backup: BackupRow, volume: VolumeRow, deps: BackupDeps): Promise<Blocks> {
  const backend = backendFor(deps, volume.host)
  if (backup.snapshot_id === null && volume.previous_status !== 'in-use')
    return openVolumeBlocks(backend, volumeRef(volume), 'r')
  if (backup.snapshot_id === null) {
    await updateBackup(deps.database.query, backup.id, { temp_snapshot_id: backup.id })
    return copyInUse(backend, backup, volume, deps)
  }
  const snapshot = await findSnapshot(deps.database.query, backup.snapshot_id)
  if (!snapshot) throw new DriverError('not-found', `snapshot ${backup.snapshot_id} is gone`)
  const ref = snapshotRef(snapshot, volume)
  if (canReadSnapshots(backend)) return openSnapshotBlocks(backend, ref)
  await updateBackup(deps.database.query, backup.id, { temp_snapshot_id: backup.id })
  const update = await backend.volume.createFromSnapshot(temporaryVolume(backup), ref, deps.signal)
  return openVolumeBlocks(backend, { ...temporaryVolume(backup), ...update }, 'r')
}

async function copyInUse(backend: Backend, backup: BackupRow, volume: VolumeRow, deps: BackupDeps): Promise<Blocks> {
  if (canReadSnapshots(backend)) {
    const ref = temporarySnapshot(backup, volumeRef(volume))
    const update = await backend.volume.snapshot(ref, deps.signal)
    return openSnapshotBlocks(backend, { ...ref, ...update })
  }
  const update = await backend.volume.clone(temporaryVolume(backup), volumeRef(volume), deps.signal)
  return openVolumeBlocks(backend, { ...temporaryVolume(backup), ...update }, 'r')
}

/** Removes the temporary copy, whether it was made or not; true when there is none any more. */
export async function dropTemporary(backup: BackupRow, deps: BackupDeps): Promise<boolean> {
  const { database, log } = deps
  const row = await database.query('backups').where({ id: backup.id }).first('temp_snapshot_id')
  if (!row?.temp_snapshot_id) return true
  const volume = await findVolume(database.query, backup.volume_id)
  try {
    if (volume) {
      const backend = backendFor(deps, volume.host)
      const { volume: driver } = backend
      if (canReadSnapshots(backend)) await driver.deleteSnapshot(temporarySnapshot(backup, volumeRef(volume)))
      else await driver.delete(temporaryVolume(backup))
    }
    await updateBackup(database.query, backup.id, { temp_snapshot_id: null })
    return true
  } catch (error) {
    log.warn({ err: error, backupId: backup.id }, 'the temporary copy of a volume could not be removed')
    return false
  }
}

/** Opens the bytes that a restore writes over, for as long as the work takes. */
export async function withTarget(
  volume: VolumeRow,
  deps: BackupDeps,
  work: (target: Blocks) => Promise<void>,
): Promise<void> {
  const target = await openVolumeBlocks(backendFor(deps, volume.host), volumeRef(volume), 'rw')
  await work(target).finally(() => target.close())
}

function temporarySnapshot(backup: BackupRow, volume: VolumeRef): SnapshotRef {
  return { id: backup.id, name: `snapshot-${backup.id}`, volume }
}

function temporaryVolume(backup: BackupRow): VolumeRef {
  return { id: backup.id, name: `volume-${backup.id}`, sizeGiB: backup.size }
}
