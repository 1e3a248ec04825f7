import fc from 'fast-check'
import { parseRule } from '../../../packages/auth/src/policy-rule.ts'
import { define } from '../target.ts'
import { inheritedNames, json, oddText, text } from '../values.ts'

const name = fc.oneof(fc.constantFrom('admin', 'user_id', 'target.user.id', 'a.b.c', ...inheritedNames), oddText)
const check = fc.oneof(
  fc
    .tuple(fc.constantFrom('role', 'rule', 'user_id', 'system_scope', 'http', "'x'", 'None', '1'), name)
    .map((parts) => parts.join(':')),
  name.map((one) => `${one}:%(${one})s`),
  fc.constantFrom('@', '!', '', "'a':%(b)s", "'", ':', '%(', '%(a)s:b', 'role:%(role)s'),
)
const rule: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(fc.oneof(check, fc.constantFrom('and', 'or', 'not', '(', ')', 'AND', 'Not')))
      .map((tokens) => tokens.join(' ')),
  },
  { weight: 1, arbitrary: text },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('(', 'not ', '@ and ', "'a", '%(a'), fc.constantFrom(10, 1000, 20_000))
      .map(([piece, count]) => `${piece.repeat(count)}@`),
  },
)

/** Policy rules: an operator's text is compiled or refused with a reason, and decides about any target. */
export const target = define({
  surface: 'process',
  memoryMiB: 400,
  open: async () => ({
    cases: fc.record({
      rule,
      roles: fc.array(name, { maxLength: 3 }),
      given: fc.dictionary(oddText, json, { maxKeys: 4 }),
    }),
    run({ rule: words, roles, given }) {
      let compiled: ReturnType<typeof parseRule>
      try {
        compiled = parseRule(words)
      } catch (error) {
        if (error instanceof Error && error.constructor === Error) return
        throw error
      }
      const decided = compiled({ target: given, credentials: { ...given, roles }, rule: () => false })
      if (typeof decided !== 'boolean') throw new Error('decides neither yes nor no')
      const nobody = compiled({ target: {}, credentials: { roles: [] }, rule: () => false })
      const open = /@|!|not|^\s*$/i.test(words)
      if (nobody && !open && !/'|True|False|None|\d/.test(words)) throw new Error('admits a caller without anything')
    },
  }),
})
