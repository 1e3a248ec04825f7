import { isAbsolute } from 'node:path'
import { type Address, DriverError, type SnapshotRef, type VolumeDriver, type VolumeRef } from '@hearth/driver'
import { findSnapshot, snapshotRef } from '../snapshots/store.ts'
import { findVolume, type VolumeRow, volumeRef } from '../volumes/store.ts'
import { type BackupDeps, backendFor } from './backend-deps.ts'
import { type BackupRow, updateBackup } from './store.ts'

/**
 * Where the bytes to be saved can be read and do not change: the snapshot, the volume that nobody has attached, or a temporary
 * snapshot (or clone) of one in use, noted in the row before it is made.
 */
export async function openSource(backup: BackupRow, volume: VolumeRow, deps: BackupDeps): Promise<string> {
  const { volume: driver } = backendFor(deps, volume.host)
  if (backup.snapshot_id === null && volume.previous_status !== 'in-use')
    return readable(await addressOf(driver, volume))
  if (backup.snapshot_id === null) {
    await updateBackup(deps.database.query, backup.id, { temp_snapshot_id: backup.id })
    return readable(await copyInUse(driver, backup, volume, deps))
  }
  const snapshot = await findSnapshot(deps.database.query, backup.snapshot_id)
  if (!snapshot) throw new DriverError('not-found', `snapshot ${backup.snapshot_id} is gone`)
  const ref = snapshotRef(snapshot, volume)
  if (driver.snapshotAddress) return readable(await driver.snapshotAddress(ref))
  await updateBackup(deps.database.query, backup.id, { temp_snapshot_id: backup.id })
  const update = await driver.createFromSnapshot(temporaryVolume(backup), ref, deps.signal)
  return readable(await addressOf(driver, { ...temporaryVolume(backup), ...update }))
}

async function copyInUse(driver: VolumeDriver, backup: BackupRow, volume: VolumeRow, deps: BackupDeps) {
  if (driver.snapshotAddress) {
    const ref = temporarySnapshot(backup, volumeRef(volume))
    const update = await driver.snapshot(ref, deps.signal)
    return driver.snapshotAddress({ ...ref, ...update })
  }
  const update = await driver.clone(temporaryVolume(backup), volumeRef(volume), deps.signal)
  return addressOf(driver, { ...temporaryVolume(backup), ...update })
}

/** Removes the temporary copy, whether it was made or not; true when there is none any more. */
export async function dropTemporary(backup: BackupRow, deps: BackupDeps): Promise<boolean> {
  const { database, log } = deps
  const row = await database.query('backups').where({ id: backup.id }).first('temp_snapshot_id')
  if (!row?.temp_snapshot_id) return true
  const volume = await findVolume(database.query, backup.volume_id)
  try {
    if (volume) {
      const { volume: driver } = backendFor(deps, volume.host)
      if (driver.snapshotAddress) await driver.deleteSnapshot(temporarySnapshot(backup, volumeRef(volume)))
      else await driver.delete(temporaryVolume(backup))
    }
    await updateBackup(database.query, backup.id, { temp_snapshot_id: null })
    return true
  } catch (error) {
    log.warn({ err: error, backupId: backup.id }, 'the temporary copy of a volume could not be removed')
    return false
  }
}

/** The path that a restore writes to. */
export async function openTarget(volume: VolumeRow, deps: BackupDeps): Promise<string> {
  return readable(await addressOf(backendFor(deps, volume.host).volume, volume))
}

async function addressOf(driver: VolumeDriver, volume: VolumeRow | VolumeRef): Promise<Address> {
  if (!driver.address) throw new DriverError('unsupported', 'the backend does not let its bytes be read on its host')
  return driver.address('sizeGiB' in volume ? volume : volumeRef(volume))
}

function readable(address: Address): string {
  if (address.format === 'raw' && isAbsolute(address.filename)) return address.filename
  throw new DriverError('unsupported', `volumes at ${address.format} addresses such as these cannot be backed up yet`)
}

function temporarySnapshot(backup: BackupRow, volume: VolumeRef): SnapshotRef {
  return { id: backup.id, name: `snapshot-${backup.id}`, volume }
}

function temporaryVolume(backup: BackupRow): VolumeRef {
  return { id: backup.id, name: `volume-${backup.id}`, sizeGiB: backup.size }
}
