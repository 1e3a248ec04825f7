import { expect, test } from 'vitest'
import { bearsToken } from './metrics.ts'

test('only the very token as a Bearer opens', () => {
  expect(bearsToken('Bearer s3cret', 's3cret')).toBe(true)
  expect(bearsToken('bearer  s3cret', 's3cret')).toBe(true)
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Bearer s3cre', 'Bearer s3cret2', 'Basic s3cret', 's3cret'])
    expect([header, bearsToken(header, 's3cret')]).toEqual([header, false])
  expect(bearsToken('Bearer ', '')).toBe(false)
})
