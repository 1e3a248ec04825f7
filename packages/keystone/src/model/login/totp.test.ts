import { expect, test } from 'vitest'
import { matchingStep, oneTimePassword, readBase32 } from './totp.ts'

const key = Buffer.from('12345678901234567890')
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

test.each([
  [59, '287082'],
  [1111111109, '081804'],
  [1234567890, '005924'],
  [20000000000, '353130'],
])('the one-time password at %d s equals the one in RFC 6238 appendix B', (seconds, passcode) => {
  expect(oneTimePassword(key, Math.floor(seconds / 30))).toBe(passcode)
  expect(matchingStep(secret, passcode, new Date(seconds * 1000))).toBe(Math.floor(seconds / 30))
})

test('passwords of the present and the previous step are accepted, others are not', () => {
  const at = (step: number) => matchingStep(secret, oneTimePassword(key, 100), new Date(step * 30_000))
  expect([at(99), at(100), at(101), at(102)]).toEqual([null, 100, 100, null])
  expect(matchingStep(secret, '', new Date(0))).toBeNull()
  expect(matchingStep('', oneTimePassword(Buffer.alloc(0), 0), new Date(0))).toBeNull()
})

test('base32 is read with and without padding, and other text gives null', () => {
  expect(readBase32('MZXW6YQ=')?.toString()).toBe('foob')
  expect(readBase32('mzxw6yq')?.toString()).toBe('foob')
  expect(readBase32('MZXW6YTBOI======')?.toString()).toBe('foobar')
  expect(readBase32('0189')).toBeNull()
})
