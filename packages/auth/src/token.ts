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

/** Longest token that is looked at, in characters: headers of the services take no more. */
export const maxTokenLength = 16_384

/**
 * Milliseconds after its end in which a token is still accepted together with a service's token; Keystone's
 * allow_expired_window.
 */
export const expiredWindowMs = 48 * 3600 * 1000

/** Returns a new Ed25519 private key as PKCS#8 PEM. */
export function newSigningKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** Returns the signing key with this id, read from PEM. */
export function readSigningKey(id: string, pem: string): SigningKey {
  return { id, key: createPrivateKey(pem) }
}

/** The public half as a JWK with `kid`, as served in a key set. */
export function publicJwk(key: SigningKey): Record<string, unknown> {
  return { ...createPublicKey(key.key).export({ format: 'jwk' }), kid: key.id, alg: 'EdDSA', use: 'sig' }
}

/** The Ed25519 keys of a key set; others cannot have signed a token and are left out. */
export function verifyKeysFromJwks(jwks: { keys: Record<string, unknown>[] }): VerifyKeys {
  const usable = jwks.keys.filter((jwk) => jwk.kty === 'OKP' && jwk.crv === 'Ed25519' && typeof jwk.kid === 'string')
  return new Map(usable.map((jwk) => [String(jwk.kid), createPublicKey({ key: jwk, format: 'jwk' })]))
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
  'revision',
] as const satisfies readonly (keyof Identity)[]

/**
 * A signed token: `hth.<key id>.<claims>.<signature>`, URL-safe. `extra` is kept for the issuer (a trust's id, say) and
 * handed back by verifyToken; other services ignore it.
 */
export function signToken(identity: Identity, signing: SigningKey, extra: Record<string, unknown> = {}): string {
  const values = fields.map((field) => identity[field])
  const packed = JSON.stringify([identity.revision === undefined ? values.slice(0, -1) : values, extra])
  const body = `${prefix}.${signing.id}.${Buffer.from(packed).toString('base64url')}`
  return `${body}.${sign(null, Buffer.from(body), signing.key).toString('base64url')}`
}

export interface VerifiedToken {
  identity: Identity
  extra: Record<string, unknown>
}

/**
 * Returns null for a text that none of the keys signed, and for other spellings of the same bytes. Does not look at
 * expiry or revocation.
 */
export function verifyToken(token: string, keys: VerifyKeys): VerifiedToken | null {
  const parts = readParts(token)
  const key = parts && keys.get(parts.keyId)
  if (!key) return null
  const signature = decodeExactly(parts.signature)
  const claims = decodeExactly(parts.claims)
  if (signature?.length !== signatureBytes || !claims) return null
  const body = Buffer.from(token.slice(0, token.length - parts.signature.length - 1))
  try {
    return verify(null, body, key, signature) ? unpack(claims) : null
  } catch {
    return null
  }
}

/** Returns the key id that a token claims; null when it is not a token of Hearth. */
export function tokenKeyId(token: string): string | null {
  return readParts(token)?.keyId ?? null
}

const signatureBytes = 64
const shape = new RegExp(`^${prefix}\\.([\\w-]{1,64})\\.([\\w-]+)\\.([\\w-]+)$`)

function readParts(token: string): { keyId: string; claims: string; signature: string } | null {
  const match = token.length > maxTokenLength ? null : shape.exec(token)
  return match && { keyId: match[1]!, claims: match[2]!, signature: match[3]! }
}

/** Base64url has several spellings of the same bytes; only the one that is written here is read. */
function decodeExactly(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

function unpack(claims: Buffer): VerifiedToken {
  const [values, extra] = JSON.parse(claims.toString()) as [unknown[], Record<string, unknown>]
  const present = fields.map((field, index) => [field, values[index]]).filter(([, value]) => value !== undefined)
  return { identity: Object.fromEntries(present) as unknown as Identity, extra }
}
