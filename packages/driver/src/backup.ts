import type { Blocks } from './blocks.ts'
import type { Address } from './volume.ts'

/** Where backup objects live: a flat space of named objects in containers. */
export interface BackupStore {
  /** Makes the container if it is not there. */
  prepare(container: string): Promise<void>
  /** Durable when it returns. Overwrites. Throws DriverError `no-space` when full. */
  put(container: string, name: string, data: Uint8Array, signal?: AbortSignal): Promise<void>
  /** Throws `not-found`. */
  get(container: string, name: string, signal?: AbortSignal): Promise<Uint8Array>
  /** Names beginning with `prefix`, sorted. */
  list(container: string, prefix: string): Promise<string[]>
  /** Deleting what is gone succeeds. */
  delete(container: string, name: string): Promise<void>
  /** For a store that can keep volumes of its own kind as they are, by their differences. */
  whole?: WholeBackups
  close?(): Promise<void>
}

/** Backups kept as images that read as the volume did, each by itself, instead of as objects. */
export interface WholeBackups {
  /**
   * Saves the bytes that a volume has now, or a snapshot had; null when the source is of another kind. What changed since the
   * parent is enough when the parent is still to be found on both sides; `incremental` tells. Repeating it goes on where a crash
   * was.
   */
  save(
    backup: WholeBackup,
    source: Address,
    options: { parentId: string | null; signal?: AbortSignal },
  ): Promise<SavedWhole | null>
  /** For reading; the caller closes it. Throws `not-found`. */
  open(backup: WholeBackup, metadata: string): Promise<Blocks>
  /** Removes a backup, finished or not, and its traces on the source, if that is still there. Others stay whole. */
  delete(backup: WholeBackup, source: Address | null): Promise<void>
}

export interface WholeBackup {
  id: string
  volumeId: string
}

export interface SavedWhole {
  /** What the store needs to find it again: JSON, kept by the caller. */
  metadata: string
  incremental: boolean
}
