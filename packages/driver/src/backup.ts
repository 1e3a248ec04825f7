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
  close?(): Promise<void>
}
