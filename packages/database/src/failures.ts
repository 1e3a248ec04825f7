const unique = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', 'ER_DUP_ENTRY', '23505'])

/**
 * Deadlock victim, lock wait too long, serialisation failure, busy file: nothing was changed, and a retry may succeed.
 */
const contended = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD', '40001', '40P01', '55P03'])

/** The connection was lost; nothing was changed for certain only if COMMIT was not sent. */
const cut = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'ECONNRESET',
  'EPIPE',
  'ER_SERVER_SHUTDOWN',
  'ER_CONNECTION_KILLED',
  '57P01',
  '57P02',
  '08006',
  '08003',
])

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** True when a statement failed because a unique index or a primary key already has the value. */
export function isUniqueViolation(error: unknown): boolean {
  return unique.has(codeOf(error))
}

/** True when the engine aborted in favour of another transaction: a retry of the same work may succeed. */
export function isContention(error: unknown): boolean {
  const code = codeOf(error)
  return contended.has(code) || code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')
}

/** True when the connection broke. */
export function isConnectionLoss(error: unknown): boolean {
  if (cut.has(codeOf(error))) return true
  return error instanceof Error && (/^Connection terminated/.test(error.message) || isNeverSent(error))
}

/** True when a statement (a COMMIT too) was not sent at all, because its connection was lost before. */
export function isNeverSent(error: unknown): boolean {
  return error instanceof Error && /is not queryable|connection is in closed state/.test(error.message)
}
