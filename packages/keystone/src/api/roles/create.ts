import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { extrasOf } from '../../model/extras.ts'
import { insertRole, type Role } from '../../model/roles/store.ts'
import { getDomain } from '../domains/show.ts'
import { type Body, baseOf } from '../links.ts'
import { known, type RoleInput } from './schema.ts'
import { viewRole } from './view.ts'

/** POST /roles: creates a global role without a `domain_id`, else a role of that domain. Throws AlreadyExists (409). */
export async function createRole(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { role: RoleInput }).role
  const role: Role = {
    id: hexId(),
    domainId: given.domain_id ?? null,
    name: given.name!,
    description: given.description ?? null,
    options: given.options ?? {},
    extra: extrasOf(given, known),
  }
  await commit(deps, async (tx) => {
    if (role.domainId) await getDomain(tx, role.domainId)
    await insertRole(tx, role)
  })
  return { role: viewRole(role, baseOf(request, deps.publicUrl)) }
}
