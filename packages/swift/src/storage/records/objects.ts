import { recordEntry } from './containers.ts'
import type { Entry, ListingTarget, ListingUpdate, StoredObject, WriteOperations, WriteReply } from './operations.ts'
import type { Sqlite } from './sqlite.ts'
import type { WriteContext } from './write-context.ts'

interface ObjectRow {
  id: number
  hash: Buffer
  name: string
  ts: string
  meta_ts: string
  deleted: number
  size: number
  etag: string
  type: string
  delete_at: number | null
  metadata: string
  sysmeta: string
  file: string | null
  sums: Buffer | null
  body: Buffer | null
}

const bytes = (hash: string) => Buffer.from(hash, 'hex')

/** Returns the stored version of an object, which may be a tombstone; null when there is none. */
export function findObject(db: Sqlite, hash: string): StoredObject | null {
  const row = db.sql('SELECT * FROM objects WHERE hash = ?').get(bytes(hash)) as ObjectRow | undefined
  if (!row) return null
  return {
    hash,
    name: row.name,
    timestamp: row.ts,
    metaTimestamp: row.meta_ts,
    deleted: row.deleted === 1,
    size: row.size,
    etag: row.etag,
    contentType: row.type,
    deleteAt: row.delete_at,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    sysmeta: JSON.parse(row.sysmeta) as Record<string, string>,
    file: row.file,
    sums: row.sums,
    body: row.body,
  }
}

type Head = Pick<
  ObjectRow,
  'id' | 'ts' | 'meta_ts' | 'deleted' | 'file' | 'size' | 'etag' | 'type' | 'delete_at' | 'sysmeta'
>

function findHead(db: Sqlite, hash: string): Head | undefined {
  return db
    .sql('SELECT id, ts, meta_ts, deleted, file, size, etag, type, delete_at, sysmeta FROM objects WHERE hash = ?')
    .get(bytes(hash)) as Head | undefined
}

/** Stores an object unless a newer version exists. Returns `gone` when its container was deleted on this device. */
export function putObject(context: WriteContext, input: WriteOperations['putObject'][0]): WriteReply {
  const { object, listing } = input
  const head = findHead(context.db, object.hash)
  if (head && head.ts >= object.timestamp) return refuse(context, object, 'stale', head.ts)
  if (listing.here && containerGone(context.db, listing.containerHash)) return refuse(context, object, 'gone', '')
  store(context.db, object)
  if (head?.file) context.garbage.push(head.file)
  const pending = record(context, listing, entryOf(object, listing))
  return { status: 'done', timestamp: object.timestamp, replaced: head !== undefined && head.deleted === 0, pending }
}

function refuse(context: WriteContext, object: StoredObject, status: 'stale' | 'gone', timestamp: string): WriteReply {
  if (object.file) context.garbage.push(object.file)
  return { status, timestamp }
}

function containerGone(db: Sqlite, hash: string): boolean {
  const row = db.sql('SELECT put_ts, delete_ts FROM containers WHERE hash = ?').get(bytes(hash)) as
    | { put_ts: string; delete_ts: string }
    | undefined
  return row !== undefined && row.delete_ts > row.put_ts
}

function store(db: Sqlite, object: StoredObject): void {
  db.sql(
    `INSERT INTO objects (hash, name, ts, meta_ts, deleted, size, etag, type, delete_at, metadata, sysmeta, file, sums, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET ts = excluded.ts, meta_ts = excluded.meta_ts, deleted = excluded.deleted,
       size = excluded.size, etag = excluded.etag, type = excluded.type, delete_at = excluded.delete_at,
       metadata = excluded.metadata, sysmeta = excluded.sysmeta, file = excluded.file, sums = excluded.sums,
       body = excluded.body`,
  ).run(
    bytes(object.hash),
    object.name,
    object.timestamp,
    object.metaTimestamp,
    object.deleted ? 1 : 0,
    object.size,
    object.etag,
    object.contentType,
    object.deleteAt,
    JSON.stringify(object.metadata),
    JSON.stringify(object.sysmeta),
    object.file,
    object.sums && Buffer.from(object.sums),
    object.body && Buffer.from(object.body),
  )
}

function entryOf(object: StoredObject, listing: ListingTarget): Entry {
  return {
    name: listing.object,
    timestamp: object.timestamp,
    metaTimestamp: object.metaTimestamp,
    deleted: object.deleted,
    size: listing.override?.size ?? object.size,
    contentType: listing.override?.contentType ?? object.contentType,
    etag: listing.override?.etag ?? object.etag,
  }
}

/** Writes the listing line where this device holds the listing, and a promise to deliver it elsewhere. */
function record(context: WriteContext, listing: ListingTarget, entry: Entry): { id: number; device: number }[] {
  const { account, accountHash, accountCovered, container, containerHash } = listing
  const update: ListingUpdate = { account, accountHash, accountCovered, container, containerHash, entry }
  if (listing.here) recordEntry(context, update)
  return listing.elsewhere.map((device) => {
    const { lastInsertRowid } = context.db
      .sql('INSERT INTO pending (device, update_json) VALUES (?, ?)')
      .run(device, JSON.stringify(update))
    return { id: Number(lastInsertRowid), device }
  })
}

/** Removes exactly this version if it still exists. Does not restore the version that it replaced. */
export function undoPut(context: WriteContext, input: WriteOperations['undoPut'][0]): WriteReply {
  const { db } = context
  const head = findHead(db, input.hash)
  if (!head || head.ts !== input.timestamp || head.deleted) return { status: 'gone', timestamp: head?.ts ?? '' }
  db.sql('DELETE FROM objects WHERE id = ?').run(head.id)
  if (head.file) context.garbage.push(head.file)
  const entry = { name: input.listing.object, timestamp: input.timestamp, metaTimestamp: `${input.timestamp}~` }
  record(context, input.listing, { ...entry, deleted: true, size: 0, contentType: '', etag: '' })
  return { status: 'done', timestamp: input.timestamp }
}

/** Forgets exactly this version. */
export function dropObject(context: WriteContext, input: WriteOperations['dropObject'][0]): WriteReply {
  const head = findHead(context.db, input.hash)
  if (!head || head.ts !== input.timestamp) return { status: 'gone', timestamp: head?.ts ?? '' }
  context.db.sql('DELETE FROM objects WHERE id = ?').run(head.id)
  if (head.file) context.garbage.push(head.file)
  return { status: 'done', timestamp: input.timestamp }
}

/** Replaces the metadata of the stored object. */
export function postObject(context: WriteContext, input: WriteOperations['postObject'][0]): WriteReply {
  const { db } = context
  const head = findHead(db, input.hash)
  if (!head || head.deleted) return { status: 'gone', timestamp: head?.ts ?? '' }
  if (head.ts >= input.timestamp || head.meta_ts >= input.timestamp) return { status: 'stale', timestamp: head.meta_ts }
  const type = input.contentType ?? head.type
  db.sql('UPDATE objects SET meta_ts = ?, metadata = ?, type = ?, delete_at = ? WHERE id = ?').run(
    input.timestamp,
    JSON.stringify(input.metadata),
    type,
    input.deleteAt,
    head.id,
  )
  const pending = record(context, input.listing, {
    name: input.listing.object,
    timestamp: head.ts,
    metaTimestamp: input.timestamp,
    deleted: false,
    size: input.listing.override?.size ?? head.size,
    contentType: input.listing.override?.contentType ?? type,
    etag: input.listing.override?.etag ?? head.etag,
  })
  return { status: 'done', timestamp: input.timestamp, pending }
}

/** Leaves a tombstone. `gone` when nothing was there: the tombstone is written all the same, for replicas that lag. */
export function deleteObject(context: WriteContext, input: WriteOperations['deleteObject'][0]): WriteReply {
  const { db } = context
  const head = findHead(db, input.hash)
  if (input.ifDeleteAt !== null && (!head || head.deleted || head.delete_at !== input.ifDeleteAt))
    return { status: head && !head.deleted ? 'conflict' : 'gone', timestamp: head?.ts ?? '' }
  if (head && head.ts >= input.timestamp) return { status: 'stale', timestamp: head.ts }
  store(db, {
    ...tombstone,
    hash: input.hash,
    name: input.name,
    timestamp: input.timestamp,
    metaTimestamp: input.timestamp,
  })
  if (head?.file) context.garbage.push(head.file)
  const pending = record(context, input.listing, {
    ...{ name: input.listing.object, timestamp: input.timestamp, metaTimestamp: input.timestamp },
    ...{ deleted: true, size: 0, contentType: '', etag: '' },
  })
  return { status: head && !head.deleted ? 'done' : 'gone', timestamp: head?.ts ?? '', pending }
}

const tombstone = {
  deleted: true,
  size: 0,
  etag: '',
  contentType: '',
  deleteAt: null,
  metadata: {},
  sysmeta: {},
  file: null,
  sums: null,
  body: null,
}
