import { own, setOwn } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Filters, Page } from '../model/list-query.ts'

type Query = ApiRequest['query']
/** Attribute that a list call can filter by → type of its values. */
type FilterKinds = Readonly<Record<string, 'text' | 'boolean'>>

const comparators: Record<string, (value: string, wanted: string) => boolean> = {
  contains: (value, wanted) => value.includes(wanted),
  startswith: (value, wanted) => value.startsWith(wanted),
  endswith: (value, wanted) => value.endsWith(wanted),
}

/** Returns the last value of a query parameter; undefined when it is absent. */
export function queryText(query: Query, key: string): string | undefined {
  const value = own(query, key)
  return Array.isArray(value) ? value.at(-1) : value
}

/** Returns true when a flag is given, unless its value is 0, false, no or off. */
export function queryFlag(query: Query, key: string): boolean {
  const value = queryText(query, key)
  return value !== undefined && !['0', 'false', 'no', 'off'].includes(value.toLowerCase())
}

/**
 * Reads the filters of a list call. `kinds` names the attributes that can be filtered; other parameters are ignored.
 */
export function readFilters(query: Query, kinds: FilterKinds): Filters {
  const exact: Filters['exact'] = {}
  const tests: ((item: Record<string, unknown>) => boolean)[] = []
  for (const key of Object.keys(query)) {
    const [name = '', comparator] = key.split('__')
    const kind = own(kinds, name)
    if (!kind) continue
    if (comparator === undefined)
      setOwn(exact, name, kind === 'boolean' ? queryFlag(query, key) : queryText(query, key)!)
    else tests.push(inexact(name, comparator, queryText(query, key)!))
  }
  return { exact, matches: (item) => tests.every((test) => test(item)), isExact: tests.length === 0 }
}

function inexact(name: string, comparator: string, wanted: string): (item: Record<string, unknown>) => boolean {
  const fold = comparator.startsWith('i') && Object.hasOwn(comparators, comparator.slice(1))
  const compare = own(comparators, fold ? comparator.slice(1) : comparator)
  if (!compare) return () => true
  const shape = (text: unknown): string => (fold ? String(text ?? '').toLowerCase() : String(text ?? ''))
  return (item) => compare(shape(own(item, name)), shape(wanted))
}

/** Reads `marker` and `limit`; a limit that is not a positive whole number is ignored. */
export function readPage(query: Query): Page {
  const limit = Number(queryText(query, 'limit'))
  const marker = queryText(query, 'marker')
  return { ...(marker ? { marker } : {}), ...(Number.isSafeInteger(limit) && limit > 0 ? { limit } : {}) }
}

/** Returns one page of items that are ordered by id. */
export function cutPage<T extends { id?: unknown }>(items: T[], { marker, limit }: Page): T[] {
  const following = marker === undefined ? items : items.filter((item) => String(item.id) > marker)
  return limit === undefined ? following : following.slice(0, limit)
}
