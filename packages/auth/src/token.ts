import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import type { Identity } from '@hearth/core'

/** A private key with its id; `pem` is PKCS#8, to be stored as a secret. */
export interface SigningKey {
  id: string
  key: KeyObject
}

/** Public keys by id. */
export type VerifyKeys = ReadonlyMap<string, KeyObject>

const prefix = 'hth'

export function newSigningKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

export function readSigningKey(id: string, pem: string): SigningKey {
  return { id, key: createPrivateKey(pem) }
}

/** The public half as a JWK with `kid`, as served in a key set. */
export function publicJwk(key: SigningKey): Record<string, unknown> {
  return { ...createPublicKey(key.key).export({ format: 'jwk' }), kid: key.id, alg: 'EdDSA', use: 'sig' }
}

export function verifyKeysFromJwks(jwks: { keys: Record<string, unknown>[] }): VerifyKeys {
  return new Map(jwks.keys.map((jwk) => [String(jwk.kid), createPublicKey({ key: jwk, format: 'jwk' })]))
}

/** Identities are packed as arrays: a token travels in every request and Swift limits header sizes. */
const fields = [
  'userId',
  'userName',
  'userDomainId',
  'userDomainName',
  'projectId',
  'projectName',
  'projectDomainId',
  'projectDomainName',
  'domainId',
  'domainName',
  'system',
  'roles',
  'methods',
  'auditIds',
  'issuedAt',
  'expiresAt',
  'appCredentialId',
  'accessRules',
] as const satisfies readonly (keyof Identity)[]

/**
 * A signed token: `hth.<key id>.<claims>.<signature>`, URL-safe. `extra` is kept for the issuer (a trust's id, say) and
 * handed back by verifyToken; other services ignore it.
 */
export function signToken(identity: Identity, signing: SigningKey, extra: Record<string, unknown> = {}): string {
  const packed = JSON.stringify([fields.map((field) => identity[field]), extra])
  const body = `${prefix}.${signing.id}.${Buffer.from(packed).toString('base64url')}`
  return `${body}.${sign(null, Buffer.from(body), signing.key).toString('base64url')}`
}

export interface VerifiedToken {
  identity: Identity
  extra: Record<string, unknown>
}

/** Null for anything not signed by one of the keys. Does not look at expiry or revocation. */
export function verifyToken(token: string, keys: VerifyKeys): VerifiedToken | null {
  const parts = token.split('.')
  if (parts.length !== 4 || parts[0] !== prefix) return null
  const [, keyId, packed, signature] = parts as [string, string, string, string]
  const key = keys.get(keyId)
  if (!key) return null
  const body = Buffer.from(token.slice(0, token.length - signature.length - 1))
  try {
    if (!verify(null, body, key, Buffer.from(signature, 'base64url'))) return null
    return unpack(packed)
  } catch {
    return null
  }
}

/** The key id a token claims to be signed with; null when it is not one of ours. */
export function tokenKeyId(token: string): string | null {
  const parts = token.split('.')
  return parts.length === 4 && parts[0] === prefix ? (parts[1] ?? null) : null
}

function unpack(packed: string): VerifiedToken {
  const [values, extra] = JSON.parse(Buffer.from(packed, 'base64url').toString()) as [
    unknown[],
    Record<string, unknown>,
  ]
  const identity = Object.fromEntries(fields.map((field, index) => [field, values[index]])) as unknown as Identity
  return { identity, extra }
}
