import type { Blocks } from './blocks.ts'
import type { Address } from './volume.ts'

/** Stores backup objects: named objects in containers, without hierarchy. */
export interface BackupStore {
  /** Makes the container if it is missing. */
  prepare(container: string): Promise<void>
  /** Durable when it returns. Overwrites. Throws DriverError `no-space` when full. */
  put(container: string, name: string, data: Uint8Array, signal?: AbortSignal): Promise<void>
  /** Throws `not-found`. */
  get(container: string, name: string, signal?: AbortSignal): Promise<Uint8Array>
  /** Names beginning with `prefix`, sorted. */
  list(container: string, prefix: string): Promise<string[]>
  /** Succeeds also for an object that is gone. */
  delete(container: string, name: string): Promise<void>
  /** For a store that can save volumes of its own kind as images and their differences. */
  whole?: WholeBackups
  close?(): Promise<void>
}

/** Backups that are stored as images, not as objects. Each one alone reads like the volume at that time. */
export interface WholeBackups {
  /**
   * Saves the present bytes of a volume, or those of a snapshot; null when the source is of another kind of storage.
   * Saves only the changes since the parent when both sides still have the parent; `incremental` is true then. A
   * repeated call continues where a crash interrupted.
   */
  save(
    backup: WholeBackup,
    source: Address,
    options: { parentId: string | null; signal?: AbortSignal },
  ): Promise<SavedWhole | null>
  /** Opens a backup for reading; the caller closes it. Throws `not-found`. */
  open(backup: WholeBackup, metadata: string): Promise<Blocks>
  /** Removes a backup, finished or not, and its leftovers on the source if that exists. Other backups stay complete. */
  delete(backup: WholeBackup, source: Address | null): Promise<void>
}

export interface WholeBackup {
  id: string
  volumeId: string
}

export interface SavedWhole {
  /** JSON that the store needs to find the backup again; the caller stores it. */
  metadata: string
  incremental: boolean
}
