import { proveByAppCredential } from '../application-credentials/prove.ts'
import type { Deps } from '../deps.ts'
import { errors, invalid } from '../errors.ts'
import { proveOneTimePassword } from '../login/one-time-password.ts'
import { assertEnabled, provePassword } from '../login/password.ts'
import { findLogin } from '../users/store.ts'
import type { Proof, TokenExtra } from './claims.ts'
import type { IdentityInput } from './input.ts'
import { readUserReference } from './user-reference.ts'

/** Checks one log-in method. `address` is the client's. */
type Method = (input: IdentityInput, address: string, deps: Deps) => Promise<Proof>

/** A Map, because the names come from the request: an object literal would also have inherited keys. */
const methods = new Map<string, Method>([
  ['password', proveByPassword],
  ['token', proveByToken],
  [
    'application_credential',
    (input, address, deps) => proveByAppCredential(input.application_credential!, address, deps),
  ],
  ['totp', proveByOneTimePassword],
])

/**
 * Runs every requested method; all must prove the same user. Throws InvalidRequest (400) for a method without its
 * object or for an object that no method uses, UnknownAuthMethod (401), AuthenticationFailed (401), and the errors of
 * the methods.
 */
export async function proveIdentity(input: IdentityInput, address: string, deps: Deps): Promise<Proof> {
  const wanted = [...new Set(input.methods)]
  if (wanted.length === 0) throw errors.AuthenticationFailed()
  const missing = wanted.find((method) => !Object.hasOwn(input, method))
  if (missing !== undefined) throw invalid(`Expecting to find ${missing} in identity.`)
  const unused = Object.keys(input).find((key) => key !== 'methods' && !methods.has(key) && !wanted.includes(key))
  if (unused !== undefined) throw invalid(`Additional properties are not allowed ('${unused}' was unexpected)`)
  const chosen = wanted.flatMap((name) => methods.get(name) ?? [])
  if (chosen.length < wanted.length) throw errors.UnknownAuthMethod()
  const proofs: Proof[] = []
  for (const method of chosen) proofs.push(await method(input, address, deps))
  return proofs.reduce(joinProofs)
}

function joinProofs(one: Proof, other: Proof): Proof {
  if (one.user.id !== other.user.id) throw errors.AuthenticationFailed()
  const ends = [one.expiresAt, other.expiresAt].filter((end) => end !== undefined)
  return {
    ...one,
    ...other,
    methods: [...new Set([...one.methods, ...other.methods])],
    ...(ends.length > 0 ? { expiresAt: Math.min(...ends) } : {}),
  }
}

async function proveByPassword(input: IdentityInput, address: string, deps: Deps): Promise<Proof> {
  const given = input.password!.user
  const reference = readUserReference(given)
  if (given.password === undefined) throw invalid('Expecting to find password in user.')
  return { user: await provePassword(reference, given.password, { address }, deps), methods: ['password'] }
}

async function proveByOneTimePassword(input: IdentityInput, address: string, deps: Deps): Promise<Proof> {
  const given = input.totp!.user
  return {
    user: await proveOneTimePassword(readUserReference(given), given.passcode, address, deps),
    methods: ['totp'],
  }
}

async function proveByToken(input: IdentityInput, _address: string, deps: Deps): Promise<Proof> {
  const verified = deps.tokens.verify(input.token!.id)
  if (!verified) throw errors.TokenNotFound()
  const { identity } = verified
  const extra = verified.extra as TokenExtra
  if (identity.expiresAt <= Date.now() || deps.tokens.revocations.isRevoked(identity)) throw errors.TokenNotFound()
  const user = await findLogin(deps.database.query, { id: identity.userId })
  assertEnabled(user, deps)
  return {
    user,
    methods: [...new Set([...identity.methods, 'token'])],
    expiresAt: identity.expiresAt,
    chain: identity.auditIds.at(-1)!,
    isDelegated: extra.trust !== undefined || identity.appCredentialId !== null,
  }
}
