import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import type { DomainInput } from '../../model/domains/input.ts'
import { newDomain } from '../../model/domains/new-domain.ts'
import { assertDomainNameFree, insertProject } from '../../model/projects/store.ts'
import { type Body, baseOf } from '../links.ts'
import { viewDomain } from './view.ts'

/** POST /domains. Throws AlreadyExists (409) when the name or the requested id is taken. */
export async function createDomain(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { domain: DomainInput }).domain
  const domain = newDomain(given.explicit_domain_id ?? hexId(), given)
  await commit(deps, async (tx) => {
    await assertDomainNameFree(tx, domain)
    await insertProject(tx, domain)
  })
  return { domain: viewDomain(domain, baseOf(request, deps.publicUrl)) }
}
