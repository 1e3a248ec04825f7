import type { Query } from '@hearth/database'
import type { Row } from '../store.ts'

interface Failures {
  count: number
  /** Time of the last failure, milliseconds since the epoch; null without failures. */
  last: number | null
}

/** Returns the recorded failed log-ins of a user. */
export async function readFailures(query: Query, userId: string): Promise<Failures> {
  const row: Row | undefined = await query('users').where({ id: userId }).first('failed_auth_count', 'failed_auth_at')
  return { count: Number(row?.failed_auth_count ?? 0), last: row?.failed_auth_at ? Number(row.failed_auth_at) : null }
}

/** Records a failed log-in at `now`, milliseconds since the epoch. */
export async function addFailure(query: Query, userId: string, now: number): Promise<void> {
  await query('users')
    .where({ id: userId })
    .update({ failed_auth_count: query.raw('failed_auth_count + 1'), failed_auth_at: now })
}

/** Clears the recorded failures, unless there has been another since `last`. */
export async function clearFailures(query: Query, userId: string, last?: number | null): Promise<void> {
  const rows = query('users').where({ id: userId }).where('failed_auth_count', '>', 0)
  if (last) rows.where('failed_auth_at', last)
  await rows.update({ failed_auth_count: 0, failed_auth_at: null })
}

/** Records `now`, milliseconds since the epoch, as the last log-in of a user. */
export async function setLastActive(query: Query, userId: string, now: number): Promise<void> {
  await query('users').where({ id: userId }).update({ last_active_at: now })
}

/** Records the time step of an accepted one-time password. Returns false unless it is later than all recorded steps. */
export async function advanceTotpStep(query: Query, userId: string, step: number): Promise<boolean> {
  return (await query('users').where({ id: userId }).where('totp_step', '<', step).update({ totp_step: step })) > 0
}

/** Returns the base32 secrets of the user's `totp` credentials. */
export async function totpSecrets(query: Query, userId: string): Promise<string[]> {
  return query('user_credentials').where({ user_id: userId, type: 'totp' }).pluck('blob')
}

/** Returns the hashes of earlier passwords, newest first, at most `count`. */
export async function listOldHashes(query: Query, userId: string, count: number): Promise<string[]> {
  const rows = query('password_history').where({ user_id: userId }).orderBy('created_at', 'desc').limit(count)
  return rows.pluck('password_hash')
}

/** Records the hash of a replaced password, and removes all but the newest `keep` hashes. */
export async function recordOldHash(
  query: Query,
  userId: string,
  hash: string,
  now: number,
  keep: number,
): Promise<void> {
  await query('password_history').insert({ user_id: userId, created_at: now, password_hash: hash })
  const last: Row[] = await query('password_history')
    .where({ user_id: userId })
    .orderBy('created_at', 'desc')
    .offset(Math.max(0, keep - 1))
    .limit(1)
  const oldest = last[0]?.created_at
  if (oldest !== undefined)
    await query('password_history').where({ user_id: userId }).where('created_at', '<', Number(oldest)).delete()
}

interface Receipt {
  userId: string
  methods: string[]
  issuedAt: number
  expiresAt: number
}

/** Inserts a receipt and removes expired ones. `id` is the hash of the client's receipt. */
export async function insertReceipt(query: Query, id: string, receipt: Receipt): Promise<void> {
  await query('auth_receipts').where('expires_at', '<=', receipt.issuedAt).delete()
  await query('auth_receipts').insert({
    id,
    user_id: receipt.userId,
    methods: JSON.stringify(receipt.methods),
    issued_at: receipt.issuedAt,
    expires_at: receipt.expiresAt,
  })
}

/** Returns the receipt with this id, or null. */
export async function findReceipt(query: Query, id: string): Promise<Receipt | null> {
  const row: Row | undefined = await query('auth_receipts').where({ id }).first()
  if (!row) return null
  return {
    userId: String(row.user_id),
    methods: JSON.parse(String(row.methods)) as string[],
    issuedAt: Number(row.issued_at),
    expiresAt: Number(row.expires_at),
  }
}

/** Removes the receipts of a user, who is deleted or has a new password. */
export async function removeReceipts(query: Query, userId: string): Promise<void> {
  await query('auth_receipts').where({ user_id: userId }).delete()
}

/** Removes the recorded password hashes of a user. */
export async function removePasswordHistory(query: Query, userId: string): Promise<void> {
  await query('password_history').where({ user_id: userId }).delete()
}
