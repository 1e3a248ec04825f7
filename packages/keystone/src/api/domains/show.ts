import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { findDomain, type Project } from '../../model/projects/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewDomain } from './view.ts'

/** Returns the domain with this id. Throws ResourceNotFound (404). */
export async function getDomain(query: Query, id: string): Promise<Project> {
  const domain = await findDomain(query, id)
  if (!domain) throw notFound('domain', id)
  return domain
}

/** GET /domains/{domain_id}. */
export async function showDomain(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const domain = await getDomain(deps.database.query, request.params.domain_id!)
  return { domain: viewDomain(domain, baseOf(request, deps.publicUrl)) }
}
