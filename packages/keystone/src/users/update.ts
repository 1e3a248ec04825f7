import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../deps.ts'
import { invalid } from '../errors.ts'
import { type Body, baseOf } from '../links.ts'
import { hashPassword } from '../passwords.ts'
import { mergeExtras } from '../shapes.ts'
import { revoke } from '../tokens/store.ts'
import { renderUser } from './render.ts'
import { known, type UserInput } from './schema.ts'
import { needUser } from './show.ts'
import { saveUser, type User } from './store.ts'

/** PATCH /users/{user_id}. A new password and a disabling void the user's tokens. */
export async function updateUser(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { user: UserInput }).user
  const passwordHash = given.password ? await hashPassword(given.password) : undefined
  const user = await commit(deps, async (tx) => {
    const old = await needUser(tx, request.params.user_id!)
    if (given.domain_id !== undefined && given.domain_id !== old.domainId) throw invalid('Cannot change Domain ID')
    const changed = applyChanges(old, given, passwordHash)
    await saveUser(tx, changed)
    const voids = passwordHash !== undefined || (old.enabled && !changed.enabled)
    if (voids) await revoke(tx, [{ userId: old.id }], deps)
    return changed
  })
  return { user: renderUser(user, baseOf(request, deps.publicUrl)) }
}

function applyChanges(old: User, given: UserInput, passwordHash: string | undefined): User {
  return {
    ...old,
    name: given.name ?? old.name,
    enabled: given.enabled ?? old.enabled,
    defaultProjectId: given.default_project_id === undefined ? old.defaultProjectId : given.default_project_id,
    passwordHash: passwordHash ?? old.passwordHash,
    options: { ...old.options, ...given.options },
    extra: mergeExtras(old.extra, given, known),
  }
}
