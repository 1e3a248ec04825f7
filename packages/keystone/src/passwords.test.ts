import { scryptSync } from 'node:crypto'
import { randomSecret } from '@hearth/core'
import { expect, test } from 'vitest'
import { checkPassword, hashDrawnSecret, hashPassword } from './passwords.ts'

const salt = 'c2FsdHNhbHRzYWx0c2FsdA'
const cheapKey = scryptSync('pw', Buffer.from(salt, 'base64url'), 32, { N: 1024, r: 8, p: 1 })
/** Of 'pw', with settings that cost a thirtieth. */
const cheapHash = `scrypt$1024$8$1$${salt}$${cheapKey.toString('base64url')}`

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
  expect(await checkPassword('pw', cheapHash)).toBe(true)
})

test('a crowd logging in at once is served, two at a time', async () => {
  const crowd = Array.from({ length: 12 }, (_, index) => checkPassword(index % 2 ? 'pw' : 'no', cheapHash))
  expect((await Promise.all(crowd)).filter(Boolean)).toHaveLength(6)
})

test('a crowd from one address is refused at last, and others still get their turn', async () => {
  const crowd = Array.from({ length: 200 }, () => checkPassword('no', cheapHash, { address: '10.0.0.1' }))
  const guest = checkPassword('pw', cheapHash, { address: '10.0.0.2' })
  const refused = (await Promise.allSettled(crowd)).filter((one) => one.status === 'rejected')
  expect(await guest).toBe(true)
  expect(refused).toHaveLength(135)
  expect(refused[0]!.reason).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
})

test('a password of an unknown user waits for its derivation like that of a known one', async () => {
  const admitted: string[] = []
  const ask = (name: string, against: string | null) =>
    checkPassword('no', against, { admit: () => admitted.push(name) })
  await Promise.all([ask('known', cheapHash), ask('unknown', null), ask('known too', cheapHash)])
  expect(admitted).toEqual(['known', 'unknown', 'known too'])
})

test('one that is not admitted when its turn comes is not derived', async () => {
  const admit = () => {
    throw new Error('throttled')
  }
  await expect(checkPassword('pw', null, { admit })).rejects.toThrow('throttled')
  await expect(checkPassword('x', hashDrawnSecret(randomSecret()), { admit })).rejects.toThrow('throttled')
})
