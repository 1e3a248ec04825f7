import { later, never } from '../time.ts'
import { recordStats } from './accounts.ts'
import type {
  Container,
  ContainerChange,
  ListingUpdate,
  TimedMetadata,
  WriteOperations,
  WriteReply,
} from './operations.ts'
import type { Sqlite } from './sqlite.ts'
import { mergeMetadata } from './timed-metadata.ts'
import type { WriteContext } from './write-context.ts'

export interface ContainerRow {
  id: number
  hash: Buffer
  account: string
  name: string
  created_ts: string
  put_ts: string
  delete_ts: string
  metadata: string
  object_count: number
  bytes_used: number
}

const bytes = (hash: string) => Buffer.from(hash, 'hex')

/** Returns the row of a container by its hash. */
export function containerRow(db: Sqlite, hash: string): ContainerRow | undefined {
  return db.sql('SELECT * FROM containers WHERE hash = ?').get(bytes(hash)) as ContainerRow | undefined
}

/** Returns the container of a row. */
export function asContainer(row: ContainerRow): Container {
  return {
    account: row.account,
    container: row.name,
    createdTimestamp: row.created_ts,
    putTimestamp: row.put_ts,
    deleteTimestamp: row.delete_ts,
    metadata: JSON.parse(row.metadata) as TimedMetadata,
    objectCount: row.object_count,
    bytesUsed: row.bytes_used,
  }
}

/** The container's row, made when it is missing; made so, the container does not exist until it is PUT. */
function ensureRow(
  db: Sqlite,
  of: { account: string; container: string; containerHash: string },
  timestamp: string,
): ContainerRow {
  const row = containerRow(db, of.containerHash)
  if (row) return row
  db.sql(
    `INSERT INTO containers (hash, account, name, created_ts, put_ts, delete_ts, metadata, object_count, bytes_used, unreported)
     VALUES (?, ?, ?, ?, ?, ?, '{}', 0, 0, 0)`,
  ).run(bytes(of.containerHash), of.account, of.container, timestamp, never, never)
  return containerRow(db, of.containerHash)!
}

function rowId(db: Sqlite, of: ListingUpdate, timestamp: string): number {
  const row = db.sql('SELECT id FROM containers WHERE hash = ?').get(bytes(of.containerHash)) as
    | { id: number }
    | undefined
  return row?.id ?? ensureRow(db, of, timestamp).id
}

/** Creates a container, or changes its metadata if it exists. Returns `stale` when it was deleted later. */
export function putContainer(context: WriteContext, input: ContainerChange): WriteReply {
  const { db } = context
  const row = ensureRow(db, input, input.timestamp)
  const created = row.put_ts === never || row.delete_ts >= row.put_ts
  if (row.delete_ts >= input.timestamp) return { status: 'stale', timestamp: row.delete_ts }
  const put = later(row.put_ts, input.timestamp)
  const metadata = mergeMetadata(created ? {} : (JSON.parse(row.metadata) as TimedMetadata), input.metadata)
  db.sql('UPDATE containers SET put_ts = ?, created_ts = ?, metadata = ? WHERE id = ?').run(
    put,
    created ? input.timestamp : row.created_ts,
    JSON.stringify(metadata),
    row.id,
  )
  context.touched.set(row.id, input)
  return { status: 'done', timestamp: put, created }
}

/** Changes the metadata of a container. Returns `gone` when it does not exist. */
export function postContainer({ db }: WriteContext, input: ContainerChange): WriteReply {
  const row = containerRow(db, input.containerHash)
  if (!row || row.delete_ts >= row.put_ts) return { status: 'gone', timestamp: row?.delete_ts ?? '' }
  const metadata = mergeMetadata(JSON.parse(row.metadata) as TimedMetadata, input.metadata)
  db.sql('UPDATE containers SET metadata = ? WHERE id = ?').run(JSON.stringify(metadata), row.id)
  return { status: 'done', timestamp: input.timestamp }
}

/** `conflict` while objects are listed. */
export function deleteContainer(context: WriteContext, input: WriteOperations['deleteContainer'][0]): WriteReply {
  const { db } = context
  const row = containerRow(db, input.containerHash)
  if (!row || row.put_ts === never || row.delete_ts >= row.put_ts)
    return { status: 'gone', timestamp: row?.delete_ts ?? '' }
  if (row.object_count > 0) return { status: 'conflict', timestamp: row.put_ts }
  if (row.put_ts >= input.timestamp) return { status: 'stale', timestamp: row.put_ts }
  db.sql("UPDATE containers SET delete_ts = ?, metadata = '{}' WHERE id = ?").run(input.timestamp, row.id)
  context.touched.set(row.id, input)
  return { status: 'done', timestamp: input.timestamp }
}

interface EntryRow {
  deleted: number
  ts: string
  meta_ts: string
  size: number
}

/** Updates one entry of a listing, with the counts of the container and of its account. The newer entry wins. */
export function recordEntry(context: WriteContext, update: ListingUpdate): void {
  const { db } = context
  const { entry } = update
  const id = rowId(db, update, entry.timestamp)
  const before = db
    .sql('SELECT deleted, ts, meta_ts, size FROM entries WHERE container_id = ? AND deleted IN (0, 1) AND name = ?')
    .get(id, entry.name) as EntryRow | undefined
  if (
    before &&
    (before.ts > entry.timestamp || (before.ts === entry.timestamp && before.meta_ts >= entry.metaTimestamp))
  )
    return
  if (before && before.deleted !== (entry.deleted ? 1 : 0)) {
    db.sql('DELETE FROM entries WHERE container_id = ? AND deleted = ? AND name = ?').run(
      id,
      before.deleted,
      entry.name,
    )
  }
  db.sql('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
    id,
    entry.deleted ? 1 : 0,
    entry.name,
    entry.timestamp,
    entry.metaTimestamp,
    entry.size,
    entry.contentType,
    entry.etag,
  )
  const lived = before && before.deleted === 0 ? before : undefined
  const count = (entry.deleted ? 0 : 1) - (lived ? 1 : 0)
  const size = (entry.deleted ? 0 : entry.size) - (lived?.size ?? 0)
  if (count === 0 && size === 0) return
  db.sql('UPDATE containers SET object_count = object_count + ?, bytes_used = bytes_used + ? WHERE id = ?').run(
    count,
    size,
    id,
  )
  context.touched.set(id, update)
}

/**
 * Updates the account replicas on this device for changed containers; keepers report to the others, unless these cover
 * the account.
 */
export function reportTouched({ db, touched }: WriteContext): void {
  for (const [id, { accountHash, accountCovered }] of touched) {
    const row = db.sql('SELECT * FROM containers WHERE id = ?').get(id) as ContainerRow | undefined
    if (!row || row.put_ts === never) continue
    const known = recordStats(db, { ...statsOf(row), accountHash })
    const unreported = known && accountCovered ? 0 : 1
    db.sql('UPDATE containers SET unreported = ? WHERE id = ? AND unreported <> ?').run(unreported, id, unreported)
  }
  touched.clear()
}

/** Returns the fields of a container that its account lists. */
export function statsOf(row: ContainerRow) {
  return {
    account: row.account,
    container: row.name,
    putTimestamp: row.put_ts,
    deleteTimestamp: row.delete_ts,
    objectCount: row.object_count,
    bytesUsed: row.bytes_used,
  }
}

/** Records that an account has received the statistics of its containers, unless they have changed since. */
export function markReported({ db }: WriteContext, input: WriteOperations['markReported'][0]): WriteReply {
  for (const { containerHash, objectCount, bytesUsed, putTimestamp, deleteTimestamp } of input.containers)
    db.sql(
      `UPDATE containers SET unreported = 0
       WHERE hash = ? AND object_count = ? AND bytes_used = ? AND put_ts = ? AND delete_ts = ?`,
    ).run(bytes(containerHash), objectCount, bytesUsed, putTimestamp, deleteTimestamp)
  return { status: 'done', timestamp: '' }
}
