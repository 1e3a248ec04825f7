import { later, never } from '../time.ts'
import type {
  Account,
  AccountChange,
  ContainerStats,
  TimedMetadata,
  WriteOperations,
  WriteReply,
} from './operations.ts'
import type { Sqlite } from './sqlite.ts'
import { mergeMetadata } from './timed-metadata.ts'
import type { WriteContext } from './write-context.ts'

export interface AccountRow {
  id: number
  hash: Buffer
  name: string
  created_ts: string
  put_ts: string
  delete_ts: string
  metadata: string
  container_count: number
  object_count: number
  bytes_used: number
}

const bytes = (hash: string) => Buffer.from(hash, 'hex')

/** Returns the row of an account by its hash. */
export function accountRow(db: Sqlite, hash: string): AccountRow | undefined {
  return db.sql('SELECT * FROM accounts WHERE hash = ?').get(bytes(hash)) as AccountRow | undefined
}

/** Returns the account of a row. */
export function asAccount(row: AccountRow): Account {
  return {
    account: row.name,
    createdTimestamp: row.created_ts,
    putTimestamp: row.put_ts,
    deleteTimestamp: row.delete_ts,
    metadata: JSON.parse(row.metadata) as TimedMetadata,
    containerCount: row.container_count,
    objectCount: row.object_count,
    bytesUsed: row.bytes_used,
  }
}

/** `conflict` when the account was deleted and waits to be emptied. */
export function putAccount({ db }: WriteContext, input: AccountChange): WriteReply {
  const row = accountRow(db, input.accountHash)
  if (!row) {
    db.sql(
      `INSERT INTO accounts (hash, name, created_ts, put_ts, delete_ts, metadata, container_count, object_count, bytes_used)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0)`,
    ).run(
      bytes(input.accountHash),
      input.account,
      input.timestamp,
      input.timestamp,
      never,
      JSON.stringify(input.metadata),
    )
    return { status: 'done', timestamp: input.timestamp, created: true }
  }
  if (row.delete_ts >= row.put_ts) return { status: 'conflict', timestamp: row.delete_ts }
  const metadata = mergeMetadata(JSON.parse(row.metadata) as TimedMetadata, input.metadata)
  const put = later(row.put_ts, input.timestamp)
  db.sql('UPDATE accounts SET put_ts = ?, metadata = ? WHERE id = ?').run(put, JSON.stringify(metadata), row.id)
  return { status: 'done', timestamp: put, created: false }
}

/** Changes the metadata of an account. */
export function postAccount({ db }: WriteContext, input: AccountChange): WriteReply {
  const row = accountRow(db, input.accountHash)
  if (!row) return { status: 'gone', timestamp: '' }
  if (row.delete_ts >= row.put_ts) return { status: 'conflict', timestamp: row.delete_ts }
  const metadata = mergeMetadata(JSON.parse(row.metadata) as TimedMetadata, input.metadata)
  db.sql('UPDATE accounts SET metadata = ? WHERE id = ?').run(JSON.stringify(metadata), row.id)
  return { status: 'done', timestamp: input.timestamp }
}

/** Marks an account as deleted. */
export function deleteAccount({ db }: WriteContext, input: WriteOperations['deleteAccount'][0]): WriteReply {
  const row = accountRow(db, input.accountHash)
  if (!row || row.delete_ts >= row.put_ts) return { status: 'gone', timestamp: row?.delete_ts ?? '' }
  if (row.put_ts >= input.timestamp) return { status: 'stale', timestamp: row.put_ts }
  db.sql('UPDATE accounts SET delete_ts = ? WHERE id = ?').run(input.timestamp, row.id)
  return { status: 'done', timestamp: input.timestamp }
}

interface EntryRow {
  deleted: number
  put_ts: string
  delete_ts: string
  object_count: number
  bytes_used: number
}

/** Takes over what a container says of itself. False when the account is not known here. */
export function recordStats(db: Sqlite, stats: ContainerStats): boolean {
  const account = accountRow(db, stats.accountHash)
  if (!account) return false
  const before = db
    .sql('SELECT * FROM account_entries WHERE account_id = ? AND deleted IN (0, 1) AND name = ?')
    .get(account.id, stats.container) as EntryRow | undefined
  const put = later(before?.put_ts, stats.putTimestamp)
  const deleteTs = later(before?.delete_ts, stats.deleteTimestamp)
  const deleted = deleteTs >= put ? 1 : 0
  if (before && before.deleted !== deleted) {
    db.sql('DELETE FROM account_entries WHERE account_id = ? AND deleted = ? AND name = ?').run(
      account.id,
      before.deleted,
      stats.container,
    )
  }
  const [objects, used] = deleted ? [0, 0] : [stats.objectCount, stats.bytesUsed]
  db.sql('INSERT OR REPLACE INTO account_entries VALUES (?, ?, ?, ?, ?, ?, ?)').run(
    account.id,
    deleted,
    stats.container,
    put,
    deleteTs,
    objects,
    used,
  )
  const lived = before && before.deleted === 0 ? before : undefined
  db.sql(
    `UPDATE accounts SET container_count = container_count + ?, object_count = object_count + ?, bytes_used = bytes_used + ?
     WHERE id = ?`,
  ).run(
    (deleted ? 0 : 1) - (lived ? 1 : 0),
    objects - (lived?.object_count ?? 0),
    used - (lived?.bytes_used ?? 0),
    account.id,
  )
  return true
}
