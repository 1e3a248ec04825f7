import { expect, test } from 'vitest'
import { Refusal } from '../../response.ts'
import { parseManifest } from './manifest.ts'

test('a size that is no number is refused with 400', () => {
  for (const size of [{ toString: '' }, [[1]], '1.5', true])
    expect(() => parseManifest(Buffer.from(JSON.stringify([{ path: '/c/o', size_bytes: size }])))).toThrow(Refusal)
})
