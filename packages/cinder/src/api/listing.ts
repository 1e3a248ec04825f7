import { type Context, setOwn } from '@hearth/core'
import type { Query } from '@hearth/database'
import { type ApiRequest, nextPageUrl, queryValue } from '@hearth/http'
import { errors } from '../model/errors.ts'
import type { Link } from './links.ts'

/** Most items on one page: Cinder's `osapi_max_limit`. */
const maxPage = 1000

export type Rows = ReturnType<Query>
type Direction = 'asc' | 'desc'

export interface Paging {
  limit: number
  offset: number
  marker: string | null
  order: { column: string; direction: Direction }[]
  withCount: boolean
}

/**
 * Reads limit, offset, marker and sort order of a listing. `sortKeys` maps the sort keys of clients to columns.
 * `created_at` and `id` are added as tie breakers. Throws InvalidInput (400).
 */
export function readPaging(context: Context, request: ApiRequest, sortKeys: Record<string, string>): Paging {
  return {
    limit: Math.min(wholeNumber(request, 'limit') ?? maxPage, maxPage),
    offset: wholeNumber(request, 'offset') ?? 0,
    marker: queryValue(request.query, 'marker') ?? null,
    order: readSort(request, sortKeys),
    withCount: context.allows('with-count') && isTrue(queryValue(request.query, 'with_count')),
  }
}

function wholeNumber(request: ApiRequest, key: string): number | undefined {
  const text = queryValue(request.query, key)
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text.trim()) || Number(text) > 0x7fffffff) {
    throw errors.InvalidInput({ reason: `${key} param must be an integer of at least 0, not '${text}'` })
  }
  return Number(text)
}

/** Returns true if the text is one of the spellings that oslo's `bool_from_string` reads as true. */
export function isTrue(text: string | undefined): boolean {
  return text !== undefined && ['1', 't', 'true', 'on', 'y', 'yes'].includes(text.toLowerCase())
}

/** Returns true or false for a spelling of a boolean, undefined for any other text. */
export function readBoolean(text: string): boolean | undefined {
  if (isTrue(text)) return true
  return ['0', 'f', 'false', 'off', 'n', 'no'].includes(text.toLowerCase()) ? false : undefined
}

function readSort(request: ApiRequest, sortKeys: Record<string, string>): Paging['order'] {
  const sort = queryValue(request.query, 'sort')
  const legacyKey = queryValue(request.query, 'sort_key')
  const legacyDirection = queryValue(request.query, 'sort_dir')
  if (sort !== undefined && (legacyKey !== undefined || legacyDirection !== undefined)) {
    throw errors.InvalidInput({ reason: "The 'sort_key' and 'sort_dir' parameters cannot be used with 'sort'." })
  }
  const wanted =
    sort !== undefined
      ? sort.split(',').map((part) => part.trim().split(':'))
      : [[legacyKey?.trim() ?? 'created_at', legacyDirection?.trim() ?? 'desc']]
  const order: Paging['order'] = []
  for (const [key = '', direction = 'desc'] of wanted) {
    const column = Object.hasOwn(sortKeys, key) ? sortKeys[key] : undefined
    if (column === undefined) throw errors.InvalidInput({ reason: `Sort key '${key}' is invalid` })
    if (direction !== 'asc' && direction !== 'desc') {
      throw errors.InvalidInput({ reason: `Unknown sort direction '${direction}', must be 'asc' or 'desc'` })
    }
    order.push({ column, direction })
  }
  const first = order[0]!.direction
  for (const column of ['created_at', 'id']) {
    if (!order.some((one) => one.column === column)) order.push({ column, direction: first })
  }
  return order
}

export interface Page<T> {
  rows: T[]
  /** Number of rows on all pages; present if the caller requested it. */
  count?: number
}

/**
 * Returns one page of `rows`, a query on `table` with all filters set. `visible` is the query without the filters: all
 * rows that the caller may see, when that is not the whole table. Throws ItemNotFound (404) if the marker is not in it,
 * so a marker that exists but is hidden looks like one that does not exist.
 */
export async function pageRows<T>(
  q: Query,
  table: string,
  rows: Rows,
  paging: Paging,
  visible?: Rows,
): Promise<Page<T>> {
  const counted = paging.withCount ? await rows.clone().count({ count: '*' }).first() : undefined
  const count = counted && { count: Number((counted as { count: number }).count) }
  if (paging.marker !== null) await startAfter(visible ?? q(table), table, rows, paging, paging.marker)
  if (paging.limit === 0) return { rows: [], ...count }
  for (const { column, direction } of paging.order) {
    if (column !== 'id' && column !== 'created_at')
      rows.orderByRaw(`?? is null ${direction === 'asc' ? 'desc' : 'asc'}`, [`${table}.${column}`])
    rows.orderBy(`${table}.${column}`, direction)
  }
  rows.limit(paging.limit)
  if (paging.offset > 0) rows.offset(paging.offset)
  return { rows: (await rows.select(`${table}.*`)) as T[], ...count }
}

/** Restricts `rows` to those after the marker in the sort order; null counts as the smallest value. */
async function startAfter(visible: Rows, table: string, rows: Rows, paging: Paging, marker: string): Promise<void> {
  const last = await visible.where(`${table}.id`, marker).first(`${table}.*`)
  if (!last) throw errors.ItemNotFound({ reason: `Marker ${marker} could not be found.` })
  rows.where((any) => {
    paging.order.forEach(({ column, direction }, index) => {
      any.orWhere((all) => {
        for (const before of paging.order.slice(0, index)) equals(all, `${table}.${before.column}`, last[before.column])
        follows(all, `${table}.${column}`, last[column], direction)
      })
    })
  })
}

function equals(rows: Rows, column: string, value: unknown): void {
  if (value === null) rows.whereNull(column)
  else rows.where(column, value as string)
}

function follows(rows: Rows, column: string, value: unknown, direction: Direction): void {
  if (direction === 'asc') {
    if (value === null) rows.whereNotNull(column)
    else rows.where(column, '>', value as string)
  } else if (value === null) rows.whereRaw('1 = 0')
  else rows.where((either) => either.where(column, '<', value as string).orWhereNull(column))
}

/** Returns the fields `<key>` (link to the next page) and `count` of a response, each only where it applies. */
export function pageEnds(
  request: ApiRequest,
  page: Page<{ id: string }>,
  paging: Paging,
  key: string,
): Record<string, unknown> {
  const ends: Record<string, unknown> = page.count === undefined ? {} : { count: page.count }
  const last = page.rows.at(-1)
  if (last && paging.limit <= (page.count ?? page.rows.length)) {
    const next: Link[] = [{ rel: 'next', href: nextPageUrl(request, last.id) }]
    setOwn(ends, key, next)
  }
  return ends
}
