import type { Deps } from '../deps.ts'
import { errors, invalid } from '../errors.ts'
import { assertEnabled, attemptOf } from '../login/password.ts'
import { checkPassword } from '../passwords.ts'
import type { Proof } from '../tokens/claims.ts'
import type { IdentityInput } from '../tokens/input.ts'
import { readUserReference } from '../tokens/user-reference.ts'
import { findLogin } from '../users/store.ts'
import { type AppCredential, findAppCredential, findAppCredentialByName } from './store.ts'

type Input = NonNullable<IdentityInput['application_credential']>

/** Checks the secret of an application credential and returns the proof. Throws AuthenticationFailed (401). */
export async function proveByAppCredential(input: Input, address: string, deps: Deps): Promise<Proof> {
  const credential = await find(input, deps)
  const { secret, ...reference } = input
  const attempt = attemptOf(null, credential?.id ?? reference, address)
  const admit = () => deps.throttle.admit(attempt)
  const correct = await checkPassword(secret, credential?.secretHash ?? null, { address, admit })
  if (!credential || !correct) {
    deps.throttle.failed(attempt)
    throw errors.AuthenticationFailed({ reason: credential ? 'wrong secret' : 'unknown application credential' })
  }
  deps.throttle.succeeded(attempt)
  return proofOf(credential, ['application_credential'], deps)
}

/**
 * Returns the proof of a credential whose secret has been checked. Throws AuthenticationFailed (401) for an expired
 * credential.
 */
export async function proofOf(credential: AppCredential, methods: string[], deps: Deps): Promise<Proof> {
  const expiresAt = credential.expiresAtMicros === null ? null : Math.floor(credential.expiresAtMicros / 1000)
  if (expiresAt !== null && expiresAt <= Date.now()) throw errors.AuthenticationFailed()
  const user = await findLogin(deps.database.query, { id: credential.userId })
  assertEnabled(user, deps)
  const { id, name, projectId, roleIds, unrestricted, accessRules } = credential
  return {
    user,
    methods,
    ...(expiresAt === null ? {} : { expiresAt }),
    appCredential: { id, name, projectId, roleIds, unrestricted, accessRules },
  }
}

async function find(input: Input, deps: Deps): Promise<AppCredential | null> {
  const { query } = deps.database
  if (input.id !== undefined) return findAppCredential(query, input.id)
  if (input.name === undefined || !input.user) throw invalid('Expecting to find id, or name and user.')
  const user = await findLogin(query, readUserReference(input.user))
  return user && findAppCredentialByName(query, user.id, input.name)
}
