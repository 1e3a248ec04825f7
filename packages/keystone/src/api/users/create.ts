import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { extrasOf } from '../../model/extras.ts'
import { mergeOptions } from '../../model/login/multi-factor.ts'
import { newPassword } from '../../model/login/password-rules.ts'
import { findDomain } from '../../model/projects/store.ts'
import { insertUser, noPassword, type User } from '../../model/users/store.ts'
import type { Body } from '../links.ts'
import { callerDomain } from '../targets.ts'
import { known, type UserInput } from './schema.ts'
import { viewUser } from './view.ts'

/**
 * POST /users. Throws ResourceNotFound (404) for an unknown domain, AlreadyExists (409), InvalidRequest (400) for a
 * password that the rules refuse.
 */
export async function createUser(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { user: UserInput }).user
  const domainId = given.domain_id ?? callerDomain(context)
  const options = mergeOptions({}, given.options)
  const details = { options, selfService: false, address: request.clientAddress }
  const user: User = {
    id: hexId(),
    domainId,
    name: given.name!,
    enabled: given.enabled ?? true,
    defaultProjectId: given.default_project_id ?? null,
    ...(given.password ? await newPassword(given.password, details, deps) : noPassword),
    createdAt: deps.clock.now().getTime(),
    lastActiveAt: null,
    options,
    extra: extrasOf(given, known),
  }
  await commit(deps, async (tx) => {
    if (!(await findDomain(tx, domainId))) throw notFound('domain', domainId)
    await insertUser(tx, user)
  })
  return { user: viewUser(user, request, deps) }
}
