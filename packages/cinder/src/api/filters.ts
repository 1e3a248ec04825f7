import { type Context, own, setOwn } from '@hearth/core'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../model/errors.ts'
import { isTrue, type Rows, readBoolean } from './listing.ts'
import { readPythonDict } from './python-literal.ts'

const pagingKeys = new Set(['limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir', 'with_count', 'all_tenants'])

type FilterKind = 'text' | 'number' | 'boolean' | 'time' | 'metadata'

export interface FilterTable {
  table: string
  /** Keys that every caller may filter by (`resource_filters` of the resource). */
  configured: readonly string[]
  /** Keys that have a column, with its kind. `column` names the column if it differs from the key. */
  columns: Record<string, { kind: FilterKind; column?: string }>
  /** Adds the conditions for `metadata={'k': 'v'}`. */
  metadata?(rows: Rows, key: string, entries: Record<string, string>): void
}

/**
 * Returns the filters of a listing by key. Only administrators may use keys that are not configured: for other callers
 * such keys are ignored, or since 3.31 refused with InvalidInput (400). `key~` matches a part of the text (3.34).
 */
export function readFilters(context: Context, request: ApiRequest, table: FilterTable): Record<string, string> {
  const isAdmin = context.may('context_is_admin')
  const filters: Record<string, string> = {}
  const refused: string[] = []
  for (const key of Object.keys(request.query)) {
    if (pagingKeys.has(key)) continue
    const isLike = key.endsWith('~')
    const allowed = isLike ? isAdmin && context.allows('like-filters') : isAdmin || table.configured.includes(key)
    if (allowed) setOwn(filters, key, queryValue(request.query, key)!)
    else refused.push(key)
  }
  if (refused.length > 0 && context.allows('configured-filters')) {
    throw errors.InvalidInput({ reason: `Invalid filters ${refused.join(', ')} are found in query options.` })
  }
  return filters
}

/** Returns true if an administrator requests the resources of all projects. */
export function asksForAll(context: Context, request: ApiRequest): boolean {
  return context.may('context_is_admin') && isTrue(queryValue(request.query, 'all_tenants'))
}

/**
 * Adds the conditions of `filters` to the query `rows`. A key without a column makes the listing empty, as in upstream.
 * Throws InvalidInput (400) for a value that does not fit the kind of its column.
 */
export function applyFilters(context: Context, rows: Rows, table: FilterTable, filters: Record<string, string>): void {
  for (const [key, value] of Object.entries(filters)) {
    const isLike = key.endsWith('~')
    const name = isLike ? key.slice(0, -1) : key
    const known = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined
    if (!known) {
      rows.whereRaw('1 = 0')
      continue
    }
    const column = `${table.table}.${known.column ?? name}`
    if (isLike) rows.where(column, 'like', `%${value}%`)
    else if (known.kind === 'metadata') filterMetadata(rows, table, name, value)
    else if (known.kind === 'boolean') filterBoolean(rows, column, name, value)
    else if (known.kind === 'time') filterTime(context, rows, column, name, value)
    else if (known.kind === 'number') rows.where(column, /^\d{1,9}$/.test(value) ? Number(value) : -1)
    else rows.where(column, value)
  }
}

function filterMetadata(rows: Rows, table: FilterTable, key: string, value: string): void {
  const entries = readPythonDict(value)
  if (!entries) throw errors.InvalidInput({ reason: `Invalid value for ${key} filter: ${value}` })
  table.metadata?.(rows, key, entries)
}

function filterBoolean(rows: Rows, column: string, key: string, value: string): void {
  const wanted = readBoolean(value)
  if (wanted === undefined) throw errors.InvalidInput({ reason: `${key}=${value} is not a boolean` })
  rows.where(column, wanted)
}

const comparisons: Record<string, string> = { gt: '>', gte: '>=', eq: '=', neq: '<>', lt: '<', lte: '<=' }

function filterTime(context: Context, rows: Rows, column: string, key: string, value: string): void {
  const conditions = context.allows('time-filters') ? value.split(',') : [`eq:${value}`]
  for (const condition of conditions) {
    const [, operator = 'eq', time = ''] = /^(?:(gt|gte|eq|neq|lt|lte):)?(.*)$/s.exec(condition.trim()) ?? []
    const milliseconds = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(time) ? time : `${time}Z`)
    if (Number.isNaN(milliseconds)) {
      throw errors.InvalidInput({ reason: `The value ${time} of ${key} is not a time in ISO 8601` })
    }
    rows.where(column, own(comparisons, operator)!, milliseconds)
  }
}
