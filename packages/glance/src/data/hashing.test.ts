import { createHash, randomBytes } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { openHashing } from './hashing.ts'

const hashing = openHashing()
afterAll(() => hashing.close())

const expected = (bytes: Buffer) => ({
  md5: createHash('md5').update(bytes).digest('hex'),
  sha512: createHash('sha512').update(bytes).digest('hex'),
})
const hashOf = async (bytes: Buffer, step: number) => {
  const hash = hashing.open()
  for (let at = 0; at < bytes.length; at += step) await hash.write(bytes.subarray(at, at + step))
  return hash.finish()
}

test.each([
  [0, 10],
  [1000, 10],
  [512 * 1024, 65_536],
  [512 * 1024 + 1, 65_536],
  [5_000_000, 77_777],
])('%i bytes in steps of %i hash as in one go', async (size, step) => {
  const bytes = randomBytes(size)
  expect(await hashOf(bytes, step)).toEqual(expected(bytes))
})

test('streams at once do not mix, and abandoning one leaves the others alone', async () => {
  const all = Array.from({ length: 6 }, (_, index) => randomBytes(1_500_000 + index))
  const dropped = hashing.open()
  await dropped.write(randomBytes(2_000_000))
  const running = all.map((bytes) => hashOf(bytes, 65_536))
  dropped.abandon()
  expect(await Promise.all(running)).toEqual(all.map(expected))
})
