import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { invalid } from '../../model/errors.ts'
import { mergeExtras } from '../../model/extras.ts'
import { mergeOptions } from '../../model/login/multi-factor.ts'
import { newPassword, replacePassword } from '../../model/login/password-rules.ts'
import { clearFailures, setLastActive } from '../../model/login/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { saveUser, type User } from '../../model/users/store.ts'
import type { Body } from '../links.ts'
import { known, type UserInput } from './schema.ts'
import { getUser } from './show.ts'
import { viewUser } from './view.ts'

/** PATCH /users/{user_id}. A new password and disabling revoke the user's tokens. */
export async function updateUser(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { user: UserInput }).user
  const before = await getUser(deps.database.query, request.params.user_id!)
  const options = mergeOptions(before.options, given.options)
  const details = { options, selfService: false, address: request.clientAddress }
  const password = given.password ? await newPassword(given.password, details, deps) : undefined
  const user = await commit(deps, async (tx) => {
    const old = await getUser(tx, before.id)
    if (given.domain_id !== undefined && given.domain_id !== old.domainId) throw invalid('Cannot change Domain ID')
    const changed = applyChanges(old, given, password)
    if (password) await replacePassword(tx, old, deps)
    await saveUser(tx, changed)
    if (given.enabled === true || password) await clearFailures(tx, old.id)
    if (given.enabled === true) await setLastActive(tx, old.id, deps.clock.now().getTime())
    const voids = password !== undefined || (old.enabled && !changed.enabled)
    if (voids) await revoke(tx, [{ userId: old.id }], deps)
    return getUser(tx, old.id)
  })
  return { user: viewUser(user, request, deps) }
}

function applyChanges(old: User, given: UserInput, password: Partial<User> | undefined): User {
  return {
    ...old,
    name: given.name ?? old.name,
    enabled: given.enabled ?? old.enabled,
    defaultProjectId: given.default_project_id === undefined ? old.defaultProjectId : given.default_project_id,
    ...password,
    options: mergeOptions(old.options, given.options),
    extra: mergeExtras(old.extra, given, known),
  }
}
