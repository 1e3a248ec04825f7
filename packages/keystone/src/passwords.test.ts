import { randomSecret } from '@hearth/core'
import { expect, test } from 'vitest'
import { checkPassword, hashDrawnSecret, hashPassword } from './passwords.ts'

test('a password fits its own hash and no other, and no hash holds it', async () => {
  const hash = await hashPassword('correct horse')
  expect(hash).toMatch(/^scrypt\$8192\$8\$2\$[\w-]+\$[\w-]+$/)
  expect(hash).not.toBe(await hashPassword('correct horse'))
  expect(await checkPassword('correct horse', hash)).toBe(true)
  expect(await checkPassword('correct horse ', hash)).toBe(false)
  expect(await checkPassword('', null)).toBe(false)
  expect(await checkPassword('x', 'unknown$kind')).toBe(false)
})

test('secrets that a machine drew are checked fast, others never are', async () => {
  const secret = randomSecret()
  const hash = hashDrawnSecret(secret)!
  expect(await checkPassword(secret, hash)).toBe(true)
  expect(await checkPassword(`${secret}x`, hash)).toBe(false)
  expect(hashDrawnSecret('short')).toBeNull()
})

test('hashes made with other settings stay good', async () => {
  const old = 'scrypt$1024$8$1$c2FsdHNhbHRzYWx0c2FsdA$'
  const { scryptSync } = await import('node:crypto')
  const key = scryptSync('pw', Buffer.from('c2FsdHNhbHRzYWx0c2FsdA', 'base64url'), 32, { N: 1024, r: 8, p: 1 })
  expect(await checkPassword('pw', old + key.toString('base64url'))).toBe(true)
})

test('a crowd logging in at once is served, two at a time', async () => {
  const hash = await hashPassword('pw')
  const crowd = Array.from({ length: 12 }, (_, index) => checkPassword(index % 2 ? 'pw' : 'no', hash))
  expect((await Promise.all(crowd)).filter(Boolean)).toHaveLength(6)
})

test('an unknown user takes about as long as a wrong password', async () => {
  const hash = await hashPassword('pw')
  const time = async (against: string | null): Promise<number> => {
    const times: number[] = []
    for (let turn = 0; turn < 9; turn++) {
      const start = performance.now()
      await checkPassword('no', against)
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)[0]!
  }
  const [known, unknown] = [await time(hash), await time(null)]
  expect(unknown / known).toBeGreaterThan(0.5)
  expect(unknown / known).toBeLessThan(2)
})
