import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { Identity } from '@hearth/core'
import { expect, test } from 'vitest'
import { openLocalAuthenticator, type TokenSource } from './authenticator.ts'
import { openRevocations, type Revocations } from './revocations.ts'
import {
  maxTokenLength,
  newSigningKeyPem,
  publicJwk,
  readSigningKey,
  signToken,
  type VerifyKeys,
  verifyKeysFromJwks,
  verifyToken,
} from './token.ts'

const key = readSigningKey('k1', newSigningKeyPem())
const keys = new Map([['k1', createPublicKey(key.key)]])
const identity: Identity = {
  userId: 'u1',
  userName: 'ann',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: 'p1',
  projectName: 'demo',
  projectDomainId: 'default',
  projectDomainName: 'Default',
  domainId: null,
  domainName: null,
  system: false,
  roles: ['member'],
  methods: ['password'],
  auditIds: ['a2', 'a1'],
  issuedAt: Date.now(),
  expiresAt: Date.now() + 60_000,
  appCredentialId: null,
  accessRules: null,
}

const sourceOf = (revocations: Revocations, followedAt = () => performance.now()): TokenSource => ({
  keys: () => keys,
  revocations,
  followedAt,
})

test('a token gives back who it was issued to', () => {
  expect(verifyToken(signToken(identity, key, { trust: 't' }), keys)).toEqual({ identity, extra: { trust: 't' } })
})

test('keys published as a key set verify tokens', () => {
  expect(verifyToken(signToken(identity, key), verifyKeysFromJwks({ keys: [publicJwk(key)] }))?.identity).toEqual(
    identity,
  )
})

test.each([0, 8, 40, -2])('a token changed at character %i is refused', (at) => {
  const token = signToken(identity, key)
  const place = at < 0 ? token.length + at : at
  const changed = token.slice(0, place) + (token[place] === 'A' ? 'B' : 'A') + token.slice(place + 1)
  expect(verifyToken(changed, keys)).toBeNull()
})

test('a token of another issuer is refused', () => {
  expect(verifyToken(signToken(identity, readSigningKey('k1', newSigningKeyPem())), keys)).toBeNull()
})

test('an expired token authenticates nobody', async () => {
  const authenticator = openLocalAuthenticator(sourceOf(openRevocations()))
  expect(await authenticator.authenticate(signToken({ ...identity, expiresAt: Date.now() - 1 }, key))).toBeNull()
})

test('a token already seen ends with the key that signed it', async () => {
  let held: VerifyKeys = keys
  const source = { ...sourceOf(openRevocations()), keys: () => held }
  const authenticator = openLocalAuthenticator(source)
  const token = signToken(identity, key)
  expect(await authenticator.authenticate(token)).toEqual(identity)
  held = new Map()
  expect(await authenticator.authenticate(token)).toBeNull()
})

test('without news of revocations for too long nobody is believed', async () => {
  let lag = 59_000
  const source = sourceOf(openRevocations(), () => performance.now() - lag)
  const authenticator = openLocalAuthenticator(source)
  const token = signToken(identity, key)
  expect(await authenticator.authenticate(token)).toEqual(identity)
  lag = 61_000
  await expect(authenticator.authenticate(token)).rejects.toMatchObject({ status: 503 })
  expect(await authenticator.authenticate('hth.k1.e30.e30')).toBeNull()
})

test('an expired token is believed for two days where expired ones are allowed', async () => {
  const authenticator = openLocalAuthenticator(sourceOf(openRevocations()))
  const ended = (hours: number) => signToken({ ...identity, expiresAt: Date.now() - hours * 3_600_000 }, key)
  expect(await authenticator.authenticate(ended(47))).toBeNull()
  expect(await authenticator.authenticate(ended(47), { allowExpired: true })).toMatchObject({ userId: 'u1' })
  expect(await authenticator.authenticate(ended(49), { allowExpired: true })).toBeNull()
})

test('other spellings of a signature or of claims are refused', () => {
  const token = signToken(identity, key)
  const last = token.at(-1)!
  // The last character of 64 bytes in base64 carries two bits; these four spellings decode to the same bytes.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twins = [...alphabet].filter(
    (one) => alphabet.indexOf(one) >> 4 === alphabet.indexOf(last) >> 4 && one !== last,
  )
  expect(twins).toHaveLength(15)
  for (const twin of twins) expect(verifyToken(token.slice(0, -1) + twin, keys)).toBeNull()
  expect(verifyToken(`${token}=`, keys)).toBeNull()
  expect(verifyToken(`${token}.`, keys)).toBeNull()
  expect(verifyToken(token.slice(0, token.lastIndexOf('.') + 1), keys)).toBeNull()
})

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '../k1', 'k1\0', 'K1', ''])(
  'the key id %j finds no key',
  (id) => {
    const [prefix, , claims, signature] = signToken(identity, key).split('.')
    expect(verifyToken([prefix, id, claims, signature].join('.'), keys)).toBeNull()
  },
)

test('a token too long for a header is not looked at', () => {
  const long = signToken({ ...identity, userName: 'a'.repeat(maxTokenLength) }, key)
  expect(verifyToken(long, keys)).toBeNull()
})

test('a key set gives only Ed25519 keys with an id', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
  const secret = { kty: 'oct', k: 'c2VjcmV0', kid: 'k3', alg: 'HS256' }
  const { kid: _kid, ...nameless } = publicJwk(key)
  const found = verifyKeysFromJwks({ keys: [{ ...rsa, kid: 'k2' }, secret, nameless, publicJwk(key)] })
  expect([...found.keys()]).toEqual(['k1'])
})

test.each([
  ['its audit id', { auditId: 'a2' }, true],
  ['the audit id of its first ancestor', { auditChainId: 'a1' }, true],
  ['its user', { userId: 'u1' }, true],
  ['its project', { projectId: 'p1' }, true],
  ['its domain', { domainId: 'default' }, true],
  ['its user and another project', { userId: 'u1', projectId: 'p2' }, false],
  ['another user', { userId: 'u2' }, false],
])('revoking %s decides over a token seen before', async (_what, event, revoked) => {
  const revocations = openRevocations()
  const authenticator = openLocalAuthenticator(sourceOf(revocations))
  const token = signToken(identity, key)
  expect(await authenticator.authenticate(token)).toEqual(identity)
  revocations.add({ ...event, issuedBefore: Date.now() })
  expect((await authenticator.authenticate(token)) === null).toBe(revoked)
})
