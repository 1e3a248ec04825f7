const full = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT', 'ER_DISK_FULL', 'ER_RECORD_FILE_FULL', '53100'])
const outOfFiles = new Set(['EMFILE', 'ENFILE'])

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** True when the disk of a file or database is full: nothing was changed; the client should get 507 and try later. */
export function isDiskFull(error: unknown): boolean {
  return full.has(codeOf(error))
}

/** True when the process or the host has no file descriptor left. */
export function isOutOfFiles(error: unknown): boolean {
  return outOfFiles.has(codeOf(error))
}
