import { setOwn } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import { errors } from '../errors.ts'
import { isUp, listServices } from '../services/store.ts'

/** A row of `backups`. Times are milliseconds since the epoch, `size` is GiB. */
export interface BackupRow {
  id: string
  project_id: string
  user_id: string
  volume_id: string
  snapshot_id: string | null
  /** The backup this one holds the changes since; null for a full one. */
  parent_id: string | null
  name: string | null
  description: string | null
  status: string
  size: number
  availability_zone: string | null
  /** Host whose backup role looks after it, `host1`. */
  host: string | null
  container: string | null
  object_count: number
  fail_reason: string | null
  /** Name of the storage driver, in upstream's words. */
  service: string | null
  /** Prefix of the objects' names. */
  service_metadata: string | null
  restore_volume_id: string | null
  /** Id of the driver's snapshot or volume that is read in place of a volume in use; known to no other table. */
  temp_snapshot_id: string | null
  data_timestamp: number
  created_at: number
  updated_at: number | null
}

export type NewBackup = Omit<
  BackupRow,
  'object_count' | 'fail_reason' | 'restore_volume_id' | 'temp_snapshot_id' | 'updated_at'
> &
  Partial<BackupRow>

/** Returns a backup; undefined when there is none. */
export async function findBackup(q: Query, id: string): Promise<BackupRow | undefined> {
  return (await q<BackupRow>('backups').where({ id }).first()) as BackupRow | undefined
}

/** Throws BackupNotFound (404). */
export async function getBackup(q: Query, id: string): Promise<BackupRow> {
  const row = await findBackup(q, id)
  if (!row) throw errors.BackupNotFound({ backup_id: id })
  return row
}

/** Inserts a backup and returns its row. */
export async function insertBackup(tx: Transaction, backup: NewBackup): Promise<BackupRow> {
  const row: BackupRow = {
    object_count: 0,
    fail_reason: null,
    restore_volume_id: null,
    temp_snapshot_id: null,
    updated_at: null,
    ...backup,
  }
  await tx('backups').insert(row)
  return row
}

/** Writes columns other than the status. False when the row is gone. */
export async function updateBackup(q: Query, id: string, set: Partial<Omit<BackupRow, 'status'>>): Promise<boolean> {
  const changed = await q('backups')
    .where({ id })
    .update({ updated_at: Date.now(), ...set })
  return changed > 0
}

/** False when it was gone. Quota is the caller's business. */
export async function deleteBackupRow(tx: Transaction, id: string): Promise<boolean> {
  await tx('backup_metadata').where({ backup_id: id }).delete()
  return (await tx('backups').where({ id }).delete()) > 0
}

/**
 * Returns the newest finished backup of the volume in the project that was taken before `before`; an incremental backup
 * builds on it.
 */
export async function latestBackup(q: Query, volumeId: string, projectId: string, before: number) {
  return (await q<BackupRow>('backups')
    .where({ volume_id: volumeId, project_id: projectId, status: 'available' })
    .where('data_timestamp', '<', before)
    .orderBy('data_timestamp', 'desc')
    .first()) as BackupRow | undefined
}

/** The backup of a volume that was made last, when it is whole. */
export async function newestBackup(q: Query, volumeId: string, projectId: string): Promise<BackupRow | undefined> {
  const row = (await q<BackupRow>('backups')
    .where({ volume_id: volumeId, project_id: projectId })
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .first()) as BackupRow | undefined
  return row?.status === 'available' ? row : undefined
}

/** The ids among `ids` that an incremental backup builds on. */
export async function withDependents(q: Query, ids: string[]): Promise<Set<string>> {
  const rows: { parent_id: string }[] = await q('backups').whereIn('parent_id', ids).distinct('parent_id')
  return new Set(rows.map((row) => row.parent_id))
}

/** The backup and those it builds on, the full one first. */
export async function chainOf(q: Query, backup: BackupRow): Promise<BackupRow[]> {
  const chain = [backup]
  for (let row = backup; row.parent_id !== null; row = chain[0]!) chain.unshift(await getBackup(q, row.parent_id))
  return chain
}

/** True while a volume is being made from the backup or written over by it. */
export async function isBeingRestored(q: Query, id: string): Promise<boolean> {
  const made = q('volumes').where({ backup_id: id }).whereIn('status', ['creating', 'restoring-backup'])
  if (await made.first('id')) return true
  const over = q('volumes').where({ status: 'restoring-backup' }).where('task', 'like', `%"${id}"%`)
  return Boolean(await over.first('id'))
}

/** Returns the metadata of backups by backup id. */
export async function readBackupMetadata(q: Query, ids: string[]): Promise<Map<string, Record<string, string>>> {
  const all = new Map<string, Record<string, string>>(ids.map((id) => [id, {}]))
  for (const { backup_id, meta_key, meta_value } of await q('backup_metadata').whereIn('backup_id', ids)) {
    setOwn(all.get(backup_id)!, meta_key, meta_value)
  }
  return all
}

/** Replaces all pairs. */
export async function writeBackupMetadata(tx: Transaction, id: string, entries: Record<string, string>): Promise<void> {
  await tx('backup_metadata').where({ backup_id: id }).delete()
  const rows = Object.entries(entries).map(([meta_key, meta_value]) => ({ backup_id: id, meta_key, meta_value }))
  if (rows.length > 0) await tx('backup_metadata').insert(rows)
}

/** Backups of a host's role in any of the statuses, or with a temporary copy still noted. */
export async function backupsToRecover(q: Query, host: string, statuses: string[]): Promise<BackupRow[]> {
  return (await q<BackupRow>('backups')
    .where({ host })
    .where((either) => either.whereIn('status', statuses).orWhereNotNull('temp_snapshot_id'))) as BackupRow[]
}

/** Returns true when a backup role on the host has sent a recent heartbeat. */
export async function hasBackupRole(q: Query, host: string): Promise<boolean> {
  return (await listServices(q, { host, binary: 'cinder-backup' })).some((service) => isUp(service))
}

/** The host itself if a backup role lives there, else any that has one, else the host. */
export async function nearestBackupRole(q: Query, host: string): Promise<string> {
  const up = (await listServices(q, { binary: 'cinder-backup' })).filter((service) => isUp(service))
  return (up.find((service) => service.host === host) ?? up[0])?.host ?? host
}
