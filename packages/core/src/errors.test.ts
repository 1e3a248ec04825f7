import { expect, test } from 'vitest'
import { commonErrors } from './errors.ts'

test('a value from outside is shown in a message, also one that cannot become a text by itself', () => {
  const message = (reason: unknown): string => commonErrors.BadRequest({ reason }).message
  expect(message('plain')).toBe('plain')
  expect(message(['a', 1])).toBe('a,1')
  expect(message({ toString: '' })).toBe('{"toString":""}')
  expect(message([{ toString: 1 }])).toBe('{"toString":1}')
})
