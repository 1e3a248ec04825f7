import { isInTime } from '@hearth/auth'
import { type Context, commonErrors, type Identity } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { findAppCredential } from '../../model/application-credentials/store.ts'
import type { Deps } from '../../model/deps.ts'
import { errors } from '../../model/errors.ts'
import { findDomain, findScope } from '../../model/projects/store.ts'
import type { TokenExtra } from '../../model/tokens/claims.ts'
import { findLogin, type Login } from '../../model/users/store.ts'
import { queryFlag } from '../filters.ts'
import type { Target } from '../guard.ts'

interface Subject {
  identity: Identity
  extra: TokenExtra
  appCredentialName?: string
  user: Login
}

/**
 * Returns the claims of the token in X-Subject-Token. Throws TokenNotFound (404) when it is invalid, expired or
 * revoked.
 */
export function readSubject(request: ApiRequest, deps: Deps): { identity: Identity; extra: TokenExtra } {
  const token = request.headers['x-subject-token']
  const verified = typeof token === 'string' ? deps.tokens.verify(token) : null
  if (!verified) throw errors.TokenNotFound()
  const { identity } = verified
  if (!isInTime(identity, queryFlag(request.query, 'allow_expired'))) throw errors.TokenNotFound()
  if (deps.tokens.revocations.isRevoked(identity)) throw errors.TokenNotFound()
  return { identity, extra: verified.extra as TokenExtra }
}

/**
 * `%(target.token.user_id)s`, the user of the token in X-Subject-Token. Throws TokenNotFound (404) to every caller, as
 * Keystone does.
 */
export const subjectTarget: Target = async (request, deps) => ({
  token: { user_id: readSubject(request, deps).identity.userId },
})

/**
 * Returns the subject with the present names of user, project and domain. Throws TokenNotFound (404) when one of them
 * is missing or disabled.
 */
export async function loadSubject(request: ApiRequest, deps: Deps): Promise<Subject> {
  const { identity, extra } = readSubject(request, deps)
  const enforced = request.headers['openstack-identity-access-rules'] !== undefined
  if (identity.accessRules && !enforced) throw errors.TokenNotFound()
  const { query } = deps.database
  const user = await findLogin(query, { id: identity.userId })
  if (!user?.enabled || !user.domainEnabled) throw errors.TokenNotFound()
  const named: Identity = { ...identity, userName: user.name, userDomainName: user.domainName }
  await nameScope(named, deps)
  if (!identity.appCredentialId) return { identity: named, extra, user }
  const credential = await findAppCredential(query, identity.appCredentialId)
  if (!credential) throw errors.TokenNotFound()
  return { identity: named, extra, user, appCredentialName: credential.name }
}

async function nameScope(identity: Identity, deps: Deps): Promise<void> {
  const { query } = deps.database
  if (identity.projectId) {
    const project = await findScope(query, { id: identity.projectId })
    if (!project?.enabled || !project.domainEnabled) throw errors.TokenNotFound()
    identity.projectName = project.name
    identity.projectDomainName = project.domainName
  }
  if (identity.domainId) {
    const domain = await findDomain(query, identity.domainId)
    if (!domain?.enabled) throw errors.TokenNotFound()
    identity.domainName = domain.name
  }
}

/** Returns the extra claims of the caller's own token. Throws Unauthorized (401) without a token. */
export function callerExtra(context: Context, deps: Deps): TokenExtra {
  const verified = context.token === null ? null : deps.tokens.verify(context.token)
  if (!verified) throw commonErrors.Unauthorized()
  return verified.extra as TokenExtra
}
