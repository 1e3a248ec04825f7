import { expect, test } from 'vitest'
import { parsePatch } from './patch.ts'

test('an operation that is no text is refused with 400', () => {
  for (const op of [{ toString: '' }, [], null, 5])
    expect(() =>
      parsePatch('application/openstack-images-v2.1-json-patch', [{ op, path: '/name', value: 'x' }]),
    ).toThrow('Operations must be one of add, replace, remove')
})
