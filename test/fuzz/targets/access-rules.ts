import { allowsAccess } from '@hearth/auth'
import fc from 'fast-check'
import { define } from '../target.ts'
import { text } from '../values.ts'

const piece = fc.constantFrom(
  '*',
  '**',
  '***',
  '{id}',
  '{',
  '}',
  '/',
  'a',
  'b',
  'ab',
  '.',
  '%2F',
  '(',
  '+',
  '[a',
  '\\',
  '$',
  'é',
)
const rulePath = fc.oneof(
  { weight: 4, arbitrary: fc.array(piece, { maxLength: 60 }).map((pieces) => `/${pieces.join('')}`) },
  { weight: 1, arbitrary: text },
)
const requestPath = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom('/', 'a', 'b', 'ab', 'aaaaaaaa', '%2F', '%', '?', '.'), { maxLength: 60 }),
  },
  { weight: 1, arbitrary: fc.constantFrom(['a'.repeat(8000)], ['a/'.repeat(4000)], ['ab'.repeat(3000), 'c']) },
)

/** A rule of an application credential against a path: decided at once, and never wider than it reads. */
export const target = define({
  surface: 'process',
  memoryMiB: 300,
  open: async () => ({
    cases: fc.record({ path: rulePath, asked: requestPath.map((pieces) => `/${pieces.join('')}`) }),
    run({ path, asked }) {
      const rule = { service: 'image', method: 'GET', path }
      const allowed = allowsAccess([rule], ['image'], { method: 'GET', path: asked })
      const [plain] = asked.split('?', 1)
      if (allowed && !/[*{%]/.test(path) && !/%/.test(asked) && path !== plain)
        throw new Error('admits another path than its own')
      if (allowsAccess([rule], ['image'], { method: 'PUT', path: asked })) throw new Error('admits another method')
      if (allowsAccess([rule], ['volume'], { method: 'GET', path: asked })) throw new Error('admits another service')
    },
  }),
})
