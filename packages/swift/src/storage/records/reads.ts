import { never } from '../time.ts'
import { accountRow, asAccount } from './accounts.ts'
import { asContainer, type ContainerRow, containerRow, statsOf } from './containers.ts'
import { entryColumns, listAccount, listContainer } from './listing.ts'
import { findObject } from './objects.ts'
import type { Entry, ListingUpdate, ReadName, ReadOperations } from './operations.ts'
import type { Sqlite } from './sqlite.ts'

const bytes = (hash: string) => Buffer.from(hash, 'hex')

/** Rows of deleted lines carry a mark behind their timestamp, which sorts behind it and is cut off. */
const latestOfAll = `SELECT substr(MAX(ts), 1, 16) AS latest FROM (
  SELECT '${never}' AS ts
  UNION ALL SELECT COALESCE(MAX(meta_ts), '') FROM objects
  UNION ALL SELECT COALESCE(MAX(MAX(put_ts, delete_ts)), '') FROM containers
  UNION ALL SELECT COALESCE(MAX(MAX(put_ts, delete_ts)), '') FROM accounts)`

type Reads = { [K in ReadName]: (db: Sqlite, input: ReadOperations[K][0]) => ReadOperations[K][1] }

/** Every reading operation, run on a read-only connection. */
export const reads: Reads = {
  getObject: (db, { hash }) => findObject(db, hash),
  getFile(db, { hash }) {
    const row = db.sql('SELECT file FROM objects WHERE hash = ?').get(bytes(hash)) as
      | { file: string | null }
      | undefined
    return row?.file ?? null
  },
  getLatest(db) {
    const { latest } = db.sql(latestOfAll).get() as { latest: string }
    return latest
  },
  getContainer(db, { hash }) {
    const row = containerRow(db, hash)
    return row ? asContainer(row) : null
  },
  getAccount(db, { hash }) {
    const row = accountRow(db, hash)
    return row ? asAccount(row) : null
  },
  listContainer: (db, { hash, query }) => listContainer(db, hash, query),
  listAccount: (db, { hash, query }) => listAccount(db, hash, query),
  listExpired: (db, { before, limit }) =>
    db
      .sql(
        'SELECT name, delete_at AS deleteAt FROM objects WHERE delete_at IS NOT NULL AND delete_at <= ? ORDER BY delete_at LIMIT ?',
      )
      .all(before, limit) as { name: string; deleteAt: number }[],
  listPending(db, { after, limit }) {
    const rows = db.sql('SELECT * FROM pending WHERE id > ? ORDER BY id LIMIT ?').all(after, limit)
    return (rows as { id: number; device: number; update_json: string }[]).map((row) => ({
      id: row.id,
      device: row.device,
      update: JSON.parse(row.update_json) as ListingUpdate,
    }))
  },
  listUnreported(db, { limit }) {
    const rows = db.sql('SELECT * FROM containers WHERE unreported = 1 ORDER BY id LIMIT ?').all(limit)
    return (rows as ContainerRow[]).map((row) => ({
      ...statsOf(row),
      accountHash: '',
      containerHash: row.hash.toString('hex'),
    }))
  },
  getVersion(db, { hash }) {
    const row = db.sql('SELECT ts, meta_ts, deleted FROM objects WHERE hash = ?').get(bytes(hash)) as
      | { ts: string; meta_ts: string; deleted: number }
      | undefined
    return row ? { timestamp: row.ts, metaTimestamp: row.meta_ts, deleted: row.deleted === 1 } : null
  },
  listChanges(db, { since, after, limit }) {
    const rows = db
      .sql('SELECT id, hash, ts, meta_ts FROM objects WHERE (meta_ts, id) > (?, ?) ORDER BY meta_ts, id LIMIT ?')
      .all(since, after, limit) as { id: number; hash: Buffer; ts: string; meta_ts: string }[]
    return rows.map((row) => ({
      row: row.id,
      hash: row.hash.toString('hex'),
      timestamp: row.ts,
      metaTimestamp: row.meta_ts,
    }))
  },
  getWatermark(db, { device }) {
    const row = db.sql('SELECT ts FROM watermarks WHERE device = ?').get(device) as { ts: string } | undefined
    return row?.ts ?? never
  },
  listContainers(db, { after, limit }) {
    const rows = db.sql('SELECT * FROM containers WHERE id > ? ORDER BY id LIMIT ?').all(after, limit) as ContainerRow[]
    return rows.map((row) => ({ row: row.id, hash: row.hash.toString('hex'), value: asContainer(row) }))
  },
  listAccounts(db, { after, limit }) {
    const rows = db.sql('SELECT * FROM accounts WHERE id > ? ORDER BY id LIMIT ?').all(after, limit)
    return (rows as Parameters<typeof asAccount>[0][]).map((row) => ({
      row: row.id,
      hash: row.hash.toString('hex'),
      value: asAccount(row),
    }))
  },
  listEntries(db, { hash, after, deleted, limit }) {
    const row = containerRow(db, hash)
    if (!row) return []
    const rows = db
      .sql(
        `SELECT ${entryColumns} FROM entries WHERE container_id = ? AND deleted = ? AND name > ? ORDER BY name LIMIT ?`,
      )
      .all(row.id, deleted ? 1 : 0, after, limit) as Entry[]
    return rows.map((entry) => ({ ...entry, deleted }))
  },
}
