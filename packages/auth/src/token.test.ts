import { createPublicKey } from 'node:crypto'
import type { Identity } from '@hearth/core'
import { expect, test } from 'vitest'
import { openLocalAuthenticator } from './authenticator.ts'
import { openRevocations } from './revocations.ts'
import { newSigningKeyPem, publicJwk, readSigningKey, signToken, verifyKeysFromJwks, verifyToken } from './token.ts'

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
  const authenticator = openLocalAuthenticator({ keys: () => keys, revocations: openRevocations() })
  expect(await authenticator.authenticate(signToken({ ...identity, expiresAt: Date.now() - 1 }, key))).toBeNull()
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
  const authenticator = openLocalAuthenticator({ keys: () => keys, revocations })
  const token = signToken(identity, key)
  expect(await authenticator.authenticate(token)).toEqual(identity)
  revocations.add({ ...event, issuedBefore: Date.now() })
  expect((await authenticator.authenticate(token)) === null).toBe(revoked)
})
