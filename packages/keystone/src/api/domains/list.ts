import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { domainIdByName, listProjects } from '../../model/projects/store.ts'
import { cutPage, readFilters, readPage } from '../filters.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { viewDomain } from './view.ts'

/** GET /domains: filters by name and enabled. */
export async function listDomains(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const filters = readFilters(request.query, { name: 'text', enabled: 'boolean' })
  const page = readPage(request.query)
  const base = baseOf(request, deps.publicUrl)
  const { name, ...others } = filters.exact
  const id = name === undefined ? null : await domainIdByName(deps.database.query, String(name))
  const exact = { ...others, ...(id === null ? {} : { id }), is_domain: true }
  const none = name !== undefined && id === null
  const domains = none ? [] : await listProjects(deps.database.query, exact, filters.isExact ? page : {})
  const items = domains.map((domain) => viewDomain(domain, base)).filter(filters.matches)
  return collection(request, { name: 'domains', base, items: cutPage(items, page) })
}
