import type { Identity } from '@hearth/core'
import { expect, test } from 'vitest'
import { openRevocations } from './revocations.ts'

const now = Date.now()
const hour = 3_600_000
const identity = {
  userId: 'u1',
  userDomainId: 'default',
  projectId: 'p1',
  roles: ['member'],
  auditIds: ['a2', 'a1'],
  issuedAt: now,
  appCredentialId: 'c1',
  revision: 7,
} as unknown as Identity

test.each([
  ['its audit id', { auditId: 'a2' }],
  ['its chain', { auditChainId: 'a1' }],
  ['its application credential', { appCredentialId: 'c1' }],
  ['its user', { userId: 'u1' }],
])('a token is revoked by %s although the clock was set back an hour since its issue', (_what, event) => {
  const revocations = openRevocations([{ ...event, sequence: 8, issuedBefore: now - hour }])
  expect(revocations.isRevoked(identity)).toBe(true)
})

test('a token issued after a revocation is good although the clock was set back in between', () => {
  const revocations = openRevocations([{ userId: 'u1', sequence: 7, issuedBefore: now + hour }])
  expect(revocations.isRevoked(identity)).toBe(false)
})

test('where numbers are missing the times decide', () => {
  const { revision: _revision, ...older } = identity
  const at = (issuedBefore: number) => openRevocations([{ userId: 'u1', sequence: 8, issuedBefore }])
  expect(at(now).isRevoked(older)).toBe(true)
  expect(at(now - 1).isRevoked(older)).toBe(false)
})

test('what is numbered below the oldest event kept is forgotten', () => {
  const revocations = openRevocations()
  for (let sequence = 1; sequence <= 1000; sequence++)
    revocations.add({ userId: `u${sequence}`, projectId: 'p', sequence, issuedBefore: now })
  revocations.add({ auditId: 'a2', sequence: 1001, issuedBefore: now })
  revocations.forgetBefore(1001)
  expect(revocations.size()).toBe(1)
  expect(revocations.isRevoked(identity)).toBe(true)
})
