import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../deps.ts'
import { type Body, baseOf } from '../links.ts'
import { assertDomainNameFree, insertProject } from '../projects/store.ts'
import type { DomainInput } from './input.ts'
import { newDomain } from './new-domain.ts'
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
