import { expect, test } from 'vitest'
import { Refusal } from '../../../model/response.ts'
import { parseManifest } from './manifest.ts'

test.each([
  [{ path: {}, data: 'YQ==' }, 'extraneous keys "data"'],
  [{ path: '/c/o', data: 'YQ==' }, 'extraneous keys "data"'],
  [{ data: 'YQ==', etag: 'x' }, 'extraneous keys "etag"'],
  [{ path: 5 }, '"path" must be a string'],
  [{ etag: 'x' }, "expected keys to include one of 'path' or 'data'"],
])('an element is either a path or data, with the keys of its kind: %j', (element, problem) => {
  const manifest = Buffer.from(JSON.stringify([element, { path: '/c/o' }]))
  const refused = (() => {
    try {
      return parseManifest(manifest)
    } catch (error) {
      return (error as Refusal).response.body
    }
  })()
  expect(refused).toBe(`Index 0: ${problem}\n`)
})

test('a size that is no number is refused with 400', () => {
  for (const size of [{ toString: '' }, [[1]], '1.5', true])
    expect(() => parseManifest(Buffer.from(JSON.stringify([{ path: '/c/o', size_bytes: size }])))).toThrow(Refusal)
})
