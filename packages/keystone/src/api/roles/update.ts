import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid } from '../../model/errors.ts'
import { isImmutable, mergeExtras } from '../../model/extras.ts'
import { saveRole } from '../../model/roles/store.ts'
import { type Body, baseOf } from '../links.ts'
import { known, type RoleInput } from './schema.ts'
import { getRole } from './show.ts'
import { viewRole } from './view.ts'

/** PATCH /roles/{role_id}. Throws Forbidden (403) for an immutable role, AlreadyExists (409). */
export async function updateRole(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { role: RoleInput }).role
  const role = await commit(deps, async (tx) => {
    const old = await getRole(tx, request.params.role_id!)
    if (isImmutable(old.options, given.options)) throw forbidden(`${old.id} is immutable.`)
    if (given.domain_id !== undefined && given.domain_id !== old.domainId) throw invalid('Cannot change Domain ID')
    const changed = {
      ...old,
      name: given.name ?? old.name,
      description: given.description === undefined ? old.description : given.description,
      options: { ...old.options, ...given.options },
      extra: mergeExtras(old.extra, given, known),
    }
    await saveRole(tx, changed)
    return changed
  })
  return { role: viewRole(role, baseOf(request, deps.publicUrl)) }
}
