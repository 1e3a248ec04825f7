import { DriverError, isDriverError } from '@hearth/driver'
import { type BackupRow, findBackup } from '../model/backups/store.ts'
import { findVolume, type VolumeRow } from '../model/volumes/store.ts'
import type { BackupDeps } from './deps.ts'

/** Throws DriverError `aborted` when the work is no longer wanted: its row was deleted, or its status reset. */
type Check = () => Promise<void>

/** Returns a check that throws once the backup has left `creating`. */
export function backupCheck({ id }: BackupRow, { database }: BackupDeps): Check {
  return async () => {
    const now = await findBackup(database.query, id)
    if (now?.status !== 'creating') throw new DriverError('aborted', 'the backup is no longer wanted')
  }
}

/** Returns a check that throws once the volume has left `restoring-backup`. */
export function restoreCheck({ id }: VolumeRow, { database }: BackupDeps): Check {
  return async () => {
    const now = await findVolume(database.query, id)
    if (now?.status !== 'restoring-backup') throw new DriverError('aborted', 'the restore is no longer wanted')
  }
}

const everyMs = 3000

/** Runs long work that cannot call `check` itself, with a signal that fires when the role closes or `check` aborts. */
export async function whileWanted<T>(
  check: Check,
  { signal }: BackupDeps,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const unwanted = new AbortController()
  const ask = (): Promise<void> =>
    check().catch((error: unknown) => {
      if (isDriverError(error) && error.kind === 'aborted') unwanted.abort()
    })
  const timer = setInterval(() => void ask(), everyMs)
  try {
    return await work(AbortSignal.any([signal, unwanted.signal]))
  } finally {
    clearInterval(timer)
  }
}
