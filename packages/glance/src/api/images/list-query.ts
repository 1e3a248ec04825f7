import type { ApiRequest } from '@hearth/http'
import type { Settings } from '../../data/settings.ts'
import { glanceErrors } from '../../model/errors.ts'
import type { ListQuery, Operator } from '../../model/images/list-filter.ts'
import { queryValue, valuesOf } from '../query.ts'

const sortable = new Set([
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
])
const visibilities = new Set(['public', 'private', 'community', 'shared', 'all'])
const memberStatuses = new Set(['pending', 'accepted', 'rejected', 'all'])
const inColumns = new Set(['name', 'id', 'status', 'container_format', 'disk_format'])
const plainColumns = new Map(
  Object.entries({
    owner: 'owner',
    checksum: 'checksum',
    os_hash_value: 'hash_value',
    os_hash_algo: 'hash_algorithm',
  }),
)
const numberColumns = new Map(
  Object.entries({
    size: 'size',
    min_ram: 'min_ram',
    min_disk: 'min_disk',
    virtual_size: 'virtual_size',
  }),
)
const notFilters = new Set([
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'visibility',
  'member_status',
  'os_hidden',
  'tag',
])
const bad = (reason: string) => glanceErrors.BadRequest({ reason })

/**
 * Reads the query string of GET /v2/images by the rules of glance/api/v2/images.py. Throws BadRequest (400) naming the
 * error.
 */
export function readListQuery(query: ApiRequest['query'], settings: Settings): ListQuery {
  const visibility = queryValue(query, 'visibility') ?? null
  if (visibility !== null && !visibilities.has(visibility)) throw bad(`Invalid visibility value: ${visibility}`)
  const memberStatus = queryValue(query, 'member_status') ?? 'accepted'
  if (!memberStatuses.has(memberStatus)) throw bad(`Invalid status: ${memberStatus}`)
  const list: ListQuery = {
    limit: readLimit(queryValue(query, 'limit'), settings),
    marker: queryValue(query, 'marker') ?? null,
    sort: readSort(query),
    visibility,
    memberStatus,
    hidden: readBoolean('os_hidden', (queryValue(query, 'os_hidden') ?? 'false').toLowerCase()),
    equal: [],
    oneOf: [],
    times: [],
    sizeMin: null,
    sizeMax: null,
    tags: valuesOf(query, 'tag'),
    properties: [],
  }
  for (const name of Object.keys(query)) if (!notFilters.has(name)) addFilter(list, name, queryValue(query, name)!)
  return list
}

function addFilter(list: ListQuery, name: string, value: string): void {
  if (name === 'changes-since') throw bad("The 'changes-since' filter is no longer available on v2.")
  if (name === 'deleted') return
  if (name === 'protected') list.equal.push(['protected', readBoolean(name, value)])
  else if (name === 'size_min') list.sizeMin = readSize(name, value)
  else if (name === 'size_max') list.sizeMax = readSize(name, value)
  else if (name === 'created_at' || name === 'updated_at') list.times.push(readTime(name, value))
  else if (inColumns.has(name)) addTextFilter(list, name, value)
  else if (plainColumns.has(name)) list.equal.push([plainColumns.get(name)!, value])
  else if (numberColumns.has(name)) list.equal.push([numberColumns.get(name)!, readSize(name, value)])
  else list.properties.push([name, value])
}

function addTextFilter(list: ListQuery, name: string, value: string): void {
  const match = /^(\w+):(.*)$/s.exec(value)
  if (match?.[1] === 'in') list.oneOf.push([name, splitQuoted(match[2]!)])
  else if (match?.[1] === 'eq') list.equal.push([name, unquote(match[2]!)])
  else if (match && ['neq', 'gt', 'gte', 'lt', 'lte', 'nin'].includes(match[1]!)) {
    throw bad(`Operator ${match[1]} is not supported for ${name}`)
  } else list.equal.push([name, value])
}

/** `a,b,"c,d"` → a · b · c,d. */
function splitQuoted(text: string): string[] {
  const parts: string[] = []
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|([^",]*))\s*(,|$)/y
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (!match) throw bad(`Invalid filter value ${text}. The quote is not closed or is in the middle of a value.`)
    parts.push(match[1]?.replace(/\\(.)/g, '$1') ?? match[2]!)
    if (match[3] === '') break
  }
  return parts
}

function unquote(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replace(/\\(.)/g, '$1')
    : text
}

function readLimit(text: string | undefined, settings: Settings): number {
  if (text === undefined) return settings.limitParamDefault
  if (!/^\d+$/.test(text)) throw bad('limit param must be an integer of at least 0')
  return Math.min(Number(text), settings.apiLimitMax)
}

function readSize(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw bad(`Bad filter value for ${name}: ${text}`)
  return Number(text)
}

function readBoolean(name: string, text: string): boolean {
  if (text !== 'true' && text !== 'false')
    throw bad(`Invalid value '${text}' for '${name}' filter. Valid values are case sensitive 'true' and 'false'.`)
  return text === 'true'
}

function readTime(name: string, text: string): [string, Operator, number] {
  const match = /^(?:(gt|gte|eq|neq|lt|lte):)?(\d{4}-\d{2}-\d{2}.*)$/.exec(text)
  const iso = match?.[2]?.replace(' ', '+') ?? ''
  const ms = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(iso) || !iso.includes('T') ? iso : `${iso}Z`)
  if (!match || Number.isNaN(ms)) throw bad(`Invalid ${name} filter value: ${text}`)
  return [name, (match[1] ?? 'eq') as Operator, Math.floor(ms / 1000) * 1000]
}

function readSort(query: ApiRequest['query']): ListQuery['sort'] {
  const sort = valuesOf(query, 'sort')
  const keys = valuesOf(query, 'sort_key')
  const directions = valuesOf(query, 'sort_dir')
  if (sort.length > 0 && keys.length + directions.length > 0) throw bad('Old and new sorting syntax cannot be combined')
  const wanted = sort.length > 0 ? readNewSort(sort) : pairUp(keys, directions)
  for (const { column } of wanted) if (!sortable.has(column)) throw bad(`Invalid sort key: ${column}`)
  const last = wanted.at(-1)?.direction ?? 'desc'
  for (const column of ['created_at', 'id']) {
    if (!wanted.some((each) => each.column === column)) wanted.push({ column, direction: last })
  }
  return wanted
}

function readNewSort(sort: readonly string[]): ListQuery['sort'] {
  const parts = sort.flatMap((each) => each.split(',')).map((each) => each.trim().split(':'))
  return parts.map(([column = '', direction = 'desc']) => ({ column, direction: readDirection(direction) }))
}

function pairUp(keys: readonly string[], directions: readonly string[]): ListQuery['sort'] {
  const columns = keys.length === 0 ? ['created_at'] : keys
  if (directions.length > 1 && directions.length !== columns.length) {
    throw bad('Number of sort dirs does not match the number of sort keys')
  }
  return columns.map((column, index) => ({
    column,
    direction: readDirection(directions.length === 1 ? directions[0]! : (directions[index] ?? 'desc')),
  }))
}

function readDirection(text: string): 'asc' | 'desc' {
  if (text !== 'asc' && text !== 'desc') throw bad(`Invalid sort direction: ${text}`)
  return text
}
