import { type AccountRow, accountRow } from './accounts.ts'
import { containerRow } from './containers.ts'
import type { AccountEntry, Entry, Listed, ListingQuery } from './operations.ts'
import type { Sqlite } from './sqlite.ts'

interface Source<T extends { name: string }> {
  /** Names in [or after] `from`, before `to`, in order; null means no bound. */
  rows(bounds: Bounds, reverse: boolean, limit: number): T[]
}

interface Bounds {
  from: string | null
  fromInclusive: boolean
  to: string | null
}

/** The smallest text that sorts after every text beginning with `prefix`; null when there is none. */
function afterPrefix(prefix: string): string | null {
  const points = [...prefix]
  while (points.length > 0) {
    const last = points.pop()!.codePointAt(0)!
    if (last < 0x10ffff) return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1)
  }
  return null
}

const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const lower = (a: string | null, b: string | null) => (a === null ? b : b === null ? a : compare(a, b) < 0 ? a : b)

/**
 * Lists names in byte order, and folds names behind a delimiter into `subdir` entries, as Swift's container server
 * does.
 */
function list<T extends { name: string }>(source: Source<T>, query: ListingQuery): Listed<T>[] {
  const prefix = query.path === null ? query.prefix : query.path === '' ? '' : `${query.path.replace(/\/+$/, '')}/`
  const delimiter = query.path === null ? query.delimiter : '/'
  let bounds = firstBounds(query, prefix)
  const found: Listed<T>[] = []
  const chunk = delimiter === '' ? query.limit : Math.min(query.limit + 1, 200)
  let folded: string | null = null
  while (found.length < query.limit) {
    const rows = source.rows(bounds, query.reverse, chunk)
    for (const row of rows) {
      if (found.length >= query.limit) break
      if (folded !== null && row.name.startsWith(folded)) continue
      folded = fold(row.name, prefix, delimiter)
      const line = lineOf(row, folded, prefix, query)
      if (line) found.push(line)
    }
    const last = rows.at(-1)
    if (rows.length < chunk || !last) break
    bounds = nextBounds(
      bounds,
      last.name,
      folded !== null && last.name.startsWith(folded) ? folded : null,
      query.reverse,
    )
  }
  return found
}

function firstBounds(query: ListingQuery, prefix: string): Bounds {
  const [low, high] = query.reverse ? [query.endMarker, query.marker] : [query.marker, query.endMarker]
  const bounds: Bounds = { from: low === '' ? null : low, fromInclusive: false, to: high === '' ? null : high }
  if (prefix === '') return bounds
  const to = lower(bounds.to, afterPrefix(prefix))
  if (bounds.from !== null && compare(bounds.from, prefix) >= 0) return { ...bounds, to }
  return { from: prefix, fromInclusive: true, to }
}

/** Behind the last name seen, or behind everything that was folded with it. */
function nextBounds(bounds: Bounds, last: string, folded: string | null, reverse: boolean): Bounds {
  if (reverse) return { ...bounds, to: folded ?? last }
  const beyond = folded === null ? null : afterPrefix(folded)
  if (beyond !== null) return { ...bounds, from: beyond, fromInclusive: true }
  return { ...bounds, from: last, fromInclusive: false }
}

function lineOf<T extends { name: string }>(
  row: T,
  folded: string | null,
  prefix: string,
  query: ListingQuery,
): Listed<T> | null {
  if (query.path !== null) return row.name === prefix || (folded !== null && folded !== row.name) ? null : row
  if (folded === null) return row
  if (query.marker === '') return { subdir: folded }
  return compare(folded, query.marker) * (query.reverse ? -1 : 1) > 0 ? { subdir: folded } : null
}

/** The name up to and with the first delimiter after the prefix; null without one. */
function fold(name: string, prefix: string, delimiter: string): string | null {
  if (delimiter === '') return null
  const at = name.indexOf(delimiter, prefix.length)
  return at < 0 ? null : name.slice(0, at + delimiter.length)
}

function select(table: string, key: string, columns: string, bounds: Bounds, reverse: boolean): [string, string[]] {
  const conditions = [`${key} = ?`, 'deleted = 0']
  const values: string[] = []
  if (bounds.from !== null) {
    conditions.push(bounds.fromInclusive ? 'name >= ?' : 'name > ?')
    values.push(bounds.from)
  }
  if (bounds.to !== null) {
    conditions.push('name < ?')
    values.push(bounds.to)
  }
  const order = reverse ? 'DESC' : 'ASC'
  return [`SELECT ${columns} FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY name ${order} LIMIT ?`, values]
}

const entryColumns = 'name, ts AS timestamp, meta_ts AS metaTimestamp, deleted, size, type AS contentType, etag'

/** Returns a page of the objects of a container. */
export function listContainer(db: Sqlite, hash: string, query: ListingQuery): Listed<Entry>[] {
  const row = containerRow(db, hash)
  if (!row) return []
  const source: Source<Entry> = {
    rows(bounds, reverse, limit) {
      const [text, values] = select('entries', 'container_id', entryColumns, bounds, reverse)
      return db.sql(text).all(row.id, ...values, limit) as Entry[]
    },
  }
  return list(source, query)
}

const accountColumns = 'name, object_count AS objectCount, bytes_used AS bytesUsed, put_ts AS putTimestamp'

/** Returns a page of the containers of an account. */
export function listAccount(db: Sqlite, hash: string, query: ListingQuery): Listed<AccountEntry>[] {
  const row: AccountRow | undefined = accountRow(db, hash)
  if (!row) return []
  const source: Source<AccountEntry> = {
    rows(bounds, reverse, limit) {
      const [text, values] = select('account_entries', 'account_id', accountColumns, bounds, reverse)
      return db.sql(text).all(row.id, ...values, limit) as AccountEntry[]
    },
  }
  return list(source, query)
}

export { entryColumns }
