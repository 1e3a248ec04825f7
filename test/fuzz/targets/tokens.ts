import { newSigningKeyPem, publicJwk, readSigningKey, signToken, verifyKeysFromJwks, verifyToken } from '@hearth/auth'
import type { Identity } from '@hearth/core'
import fc from 'fast-check'
import { define } from '../target.ts'
import { damage, damages, text } from '../values.ts'

const signing = readSigningKey('k', newSigningKeyPem())
const other = readSigningKey('k', newSigningKeyPem())
const keys = verifyKeysFromJwks({ keys: [publicJwk(signing)] })
const identity = {
  userId: 'u',
  userName: 'U',
  roles: ['reader'],
  methods: ['password'],
  auditIds: ['a'],
  issuedAt: 1,
  expiresAt: 2,
} as Identity

/** The claims a token carries, whatever the spelling of its last letter is. */
const claimsOf = (token: string): string => token.split('.').slice(0, 3).join('.')

/** Tokens: whatever is changed about a good one makes it nobody's. */
export const target = define({
  surface: 'process',
  memoryMiB: 300,
  open: async () => ({
    cases: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ foreign: fc.boolean(), changes: damages }) as fc.Arbitrary<{
          foreign: boolean
          changes: Parameters<typeof damage>[1]
          words?: string[]
        }>,
      },
      {
        weight: 1,
        arbitrary: fc.record({
          foreign: fc.constant(false),
          changes: fc.constant([]),
          words: fc.array(fc.oneof(fc.constantFrom('hth', 'k', '__proto__', ''), text), { maxLength: 6 }),
        }),
      },
    ),
    run({ foreign, changes, words }) {
      const good = signToken(identity, foreign ? other : signing)
      const token = words ? words.join('.') : damage(Buffer.from(good), changes).toString()
      const verified = verifyToken(token, keys)
      if (verified && (foreign || claimsOf(token) !== claimsOf(good))) throw new Error('a changed token is good')
    },
  }),
})
