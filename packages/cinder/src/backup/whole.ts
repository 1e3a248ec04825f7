import {
  type Address,
  type BackupStore,
  type Blocks,
  copyBlocks,
  isDriverError,
  type SnapshotRef,
} from '@hearth/driver'
import { type BackupRow, findBackup } from '../model/backups/store.ts'
import { findSnapshot, snapshotRef } from '../model/snapshots/store.ts'
import { findVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import { type BackupDeps, backendFor } from './deps.ts'
import type { VolumeMeta } from './format/format.ts'
import { withTarget } from './source.ts'
import { backupCheck, restoreCheck, whileWanted } from './wanted.ts'

/** True when the backup is one image, not objects: its `service_metadata` is then JSON, as upstream's. */
export const isWhole = (backup: Pick<BackupRow, 'service_metadata'>): boolean =>
  backup.service_metadata?.startsWith('{') ?? false

const metaName = (backup: BackupRow): string => `backup.${backup.id}.meta`
const wholeOf = ({ id, volume_id }: BackupRow) => ({ id, volumeId: volume_id })

/**
 * Lets the backup store copy the volume or snapshot itself. Returns the columns to set in the row, or null when it
 * cannot and the bytes must be cut into objects.
 */
export async function saveWhole(
  backup: BackupRow,
  volume: VolumeRow,
  meta: VolumeMeta,
  store: BackupStore,
  deps: BackupDeps,
): Promise<Partial<BackupRow> | null> {
  const source = store.whole && (await sourceOf(backup, volume, deps))
  if (!store.whole || !source) return null
  const parent = backup.parent_id === null ? undefined : await findBackup(deps.database.query, backup.parent_id)
  const parentId = parent && isWhole(parent) ? parent.id : null
  const { whole } = store
  const save = (signal: AbortSignal) => whole.save(wholeOf(backup), source, { parentId, signal })
  const saved = await whileWanted(backupCheck(backup, deps), deps, save)
  if (!saved) return null
  const text = JSON.stringify(meta)
  await store.put(backup.container!, metaName(backup), Buffer.from(text), deps.signal)
  const parent_id = saved.incremental ? backup.parent_id : null
  return { service_metadata: saved.metadata, object_count: 0, parent_id }
}

/** Where the source lies on this host; a volume in use needs no copy of it, the store takes a snapshot first. */
async function sourceOf(backup: BackupRow, volume: VolumeRow, deps: BackupDeps): Promise<Address | null> {
  if (backup.snapshot_id === null) return addressOf(volume, deps)
  const snapshot = await findSnapshot(deps.database.query, backup.snapshot_id)
  return snapshot ? addressOf(volume, deps, snapshotRef(snapshot, volume)) : null
}

/** Writes a whole backup over the volume. Returns the metadata of the volume that the backup contains. */
export async function restoreWhole(
  backup: BackupRow,
  volume: VolumeRow,
  fresh: boolean,
  store: BackupStore,
  deps: BackupDeps,
): Promise<VolumeMeta | null> {
  const saved = await store.whole!.open(wholeOf(backup), backup.service_metadata!)
  const copy = (target: Blocks) =>
    whileWanted(restoreCheck(volume, deps), deps, (signal) =>
      copyBlocks(saved, target, { targetIsZero: fresh, blockBytes: 4 * 1024 ** 2, signal }),
    )
  await withTarget(volume, deps, copy).finally(() => saved.close())
  return readMeta(backup, store, deps)
}

/** Null for backups that others made. */
async function readMeta(backup: BackupRow, store: BackupStore, deps: BackupDeps): Promise<VolumeMeta | null> {
  try {
    const text = await store.get(backup.container!, metaName(backup), deps.signal)
    return JSON.parse(Buffer.from(text).toString()) as VolumeMeta
  } catch (error) {
    if (isDriverError(error) && error.kind === 'not-found') return null
    throw error
  }
}

/** Removes what the store itself copied, finished or not. */
export async function deleteWhole(backup: BackupRow, store: BackupStore, deps: BackupDeps): Promise<void> {
  if (!store.whole) return
  const volume = await findVolume(deps.database.query, backup.volume_id)
  await store.whole.delete(wholeOf(backup), volume ? await addressOf(volume, deps) : null)
  if (backup.container) await store.delete(backup.container, metaName(backup))
}

/** Returns the address of the volume or its snapshot; null when its backend is remote or gone, or does not have it. */
async function addressOf(volume: VolumeRow, deps: BackupDeps, snapshot?: SnapshotRef): Promise<Address | null> {
  try {
    const { volume: driver, isRemote } = backendFor(deps, volume.host)
    if (isRemote) return null
    return (await (snapshot ? driver.snapshotAddress?.(snapshot) : driver.address?.(volumeRef(volume)))) ?? null
  } catch (error) {
    if (isDriverError(error) && error.kind === 'not-found') return null
    throw error
  }
}
