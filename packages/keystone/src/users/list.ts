import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../deps.ts'
import { cutPage, readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { withinDomain } from '../targets.ts'
import { renderUser } from './render.ts'
import { listUsers as list } from './store.ts'

const kinds = { name: 'text', domain_id: 'text', enabled: 'boolean' } as const

/** GET /users, by name, domain_id, enabled (each also inexact: `name__contains`), page by page. */
export async function listUsers(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, kinds)
  const page = readPage(request.query)
  const base = baseOf(request, deps.publicUrl)
  const exact = withinDomain(context, filters.exact)
  const users = exact ? await list(deps.database.query, exact, filters.isExact ? page : {}) : []
  const items = users.map((user) => renderUser(user, request, deps)).filter(filters.matches)
  return collection(request, { name: 'users', base, items: cutPage(items, page) })
}
