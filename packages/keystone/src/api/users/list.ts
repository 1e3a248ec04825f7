import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { invalid } from '../../model/errors.ts'
import { parseTime } from '../../model/times.ts'
import { listUsers as list } from '../../model/users/store.ts'
import { cutPage, queryText, readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { withinDomain } from '../targets.ts'
import { viewUser } from './view.ts'

const kinds = { name: 'text', domain_id: 'text', enabled: 'boolean' } as const

const comparisons = new Map<string, (end: number, time: number) => boolean>([
  ['lt', (end, time) => end < time],
  ['lte', (end, time) => end <= time],
  ['gt', (end, time) => end > time],
  ['gte', (end, time) => end >= time],
  ['eq', (end, time) => end === time],
  ['neq', (end, time) => end !== time],
])

/** Parses a filter such as `lt:2026-11-28T10:00:00Z`. Throws InvalidRequest (400). */
function readExpiryFilter(text: string | undefined): (end: number | null) => boolean {
  if (text === undefined) return () => true
  const [, operator = 'eq', time = ''] = /^(?:([a-z]+):)?(.*)$/.exec(text) ?? []
  const compare = comparisons.get(operator)
  const micros = parseTime(time)
  if (!compare)
    throw invalid(
      `The given operator ${operator} is not valid. It must be one of the following: 'eq', 'neq', 'lt', 'lte', 'gt', or 'gte'.`,
    )
  if (micros === null) throw invalid('Timestamp not in expected format.')
  return (end) => end !== null && compare(end * 1000, micros)
}

/**
 * GET /users, page by page: filters by name, domain_id, enabled (each also inexact: `name__contains`) and
 * password_expires_at.
 */
export async function listUsers(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, kinds)
  const page = readPage(request.query)
  const base = baseOf(request, deps.publicUrl)
  const exact = withinDomain(context, filters.exact)
  const users = exact
    ? await list(
        deps.database.query,
        exact,
        filters.isExact && request.query.password_expires_at === undefined ? page : {},
      )
    : []
  const isWanted = readExpiryFilter(queryText(request.query, 'password_expires_at'))
  const wanted = users.filter((user) => isWanted(user.passwordExpiresAt))
  const items = wanted.map((user) => viewUser(user, request, deps)).filter(filters.matches)
  return collection(request, { name: 'users', base, items: cutPage(items, page) })
}
