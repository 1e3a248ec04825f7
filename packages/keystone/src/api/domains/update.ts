import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import type { DomainInput } from '../../model/domains/input.ts'
import { type Body, baseOf } from '../links.ts'
import { changeProject } from '../projects/update.ts'
import { getDomain } from './show.ts'
import { viewDomain } from './view.ts'

/** PATCH /domains/{domain_id}. Disabling a domain revokes every token of its scope, users or projects. */
export async function updateDomain(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { domain: DomainInput }).domain
  const domain = await commit(deps, async (tx) => {
    return changeProject(tx, await getDomain(tx, request.params.domain_id!), given, deps)
  })
  return { domain: viewDomain(domain, baseOf(request, deps.publicUrl)) }
}
