import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../deps.ts'
import { readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { isVisible } from '../targets.ts'
import { renderUser } from './render.ts'
import { listUsers as list } from './store.ts'

const kinds = { name: 'text', domain_id: 'text', enabled: 'boolean' } as const

/** GET /users, by name, domain_id, enabled (each also inexact: `name__contains`), page by page. */
export async function listUsers(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, kinds)
  const base = baseOf(request, deps.publicUrl)
  const users = await list(deps.database.query, filters.exact, readPage(request.query))
  const items = users
    .filter(isVisible(context))
    .map((user) => renderUser(user, base))
    .filter(filters.matches)
  return collection(request, { name: 'users', base, items })
}
