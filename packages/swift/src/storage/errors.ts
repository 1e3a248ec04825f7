/**
 * `full`: no space left. `missing`, `corrupt`: this replica's body cannot be used. `offline`: the device does not
 * respond.
 */
export type StorageErrorKind = 'full' | 'missing' | 'corrupt' | 'offline'

/** Failure of a device; the request then turns to another device. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly kind: StorageErrorKind

  constructor(kind: StorageErrorKind, message: string) {
    super(message)
    this.kind = kind
  }
}

const kinds = new Map<string, StorageErrorKind>([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['SQLITE_FULL', 'full'],
  ['ENOENT', 'missing'],
])

/** Names the failure of a file or of SQLite as one of a device. */
export function storageErrorOf(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const { code = '', message } = error as { code?: string; message: string }
  return new StorageError(kinds.get(code) ?? 'offline', message)
}
