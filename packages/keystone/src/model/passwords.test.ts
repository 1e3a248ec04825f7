import { scryptSync } from 'node:crypto'
import { randomSecret } from '@hearth/core'
import { expect, test } from 'vitest'
import { checkPassword, hashDrawnSecret, hashPassword } from './passwords.ts'

const salt = 'c2FsdHNhbHRzYWx0c2FsdA'
const cheapKey = scryptSync('pw', Buffer.from(salt, 'base64url'), 32, { N: 1024, r: 8, p: 1 })
/** Hash of 'pw' with settings that cost a thirtieth of the usual time. */
const cheapHash = `scrypt$1024$8$1$${salt}$${cheapKey.toString('base64url')}`

test('a password matches only its own hash, and equal passwords have different hashes', async () => {
  const hash = await hashPassword('correct horse')
  expect(hash).toMatch(/^scrypt\$8192\$8\$2\$[\w-]+\$[\w-]+$/)
  expect(hash).not.toBe(await hashPassword('correct horse'))
  expect(await checkPassword('correct horse', hash)).toBe(true)
  expect(await checkPassword('correct horse ', hash)).toBe(false)
  expect(await checkPassword('', null)).toBe(false)
  expect(await checkPassword('x', 'unknown$kind')).toBe(false)
})

test('random secrets of a machine get a fast hash, other secrets do not', async () => {
  const secret = randomSecret()
  const hash = hashDrawnSecret(secret)!
  expect(await checkPassword(secret, hash)).toBe(true)
  expect(await checkPassword(`${secret}x`, hash)).toBe(false)
  expect(hashDrawnSecret('short')).toBeNull()
})

test('hashes made with other settings stay valid', async () => {
  expect(await checkPassword('pw', cheapHash)).toBe(true)
})

test('many log-ins at once are all checked', async () => {
  const crowd = Array.from({ length: 12 }, (_, index) => checkPassword(index % 2 ? 'pw' : 'no', cheapHash))
  expect((await Promise.all(crowd)).filter(Boolean)).toHaveLength(6)
})

test('too many log-ins from one address are refused, and other addresses are still served', async () => {
  const crowd = Array.from({ length: 200 }, () => checkPassword('no', cheapHash, { address: '10.0.0.1' }))
  const guest = checkPassword('pw', cheapHash, { address: '10.0.0.2' })
  const refused = (await Promise.allSettled(crowd)).filter((one) => one.status === 'rejected')
  expect(await guest).toBe(true)
  expect(refused).toHaveLength(135)
  expect(refused[0]!.reason).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
})

test('the password of an unknown user waits in the queue like that of a known user', async () => {
  const admitted: string[] = []
  const ask = (name: string, against: string | null) =>
    checkPassword('no', against, { admit: () => admitted.push(name) })
  await Promise.all([ask('known', cheapHash), ask('unknown', null), ask('known too', cheapHash)])
  expect(admitted).toEqual(['known', 'unknown', 'known too'])
})

test('a password that is not admitted at its turn is not checked', async () => {
  const admit = () => {
    throw new Error('throttled')
  }
  await expect(checkPassword('pw', null, { admit })).rejects.toThrow('throttled')
  await expect(checkPassword('x', hashDrawnSecret(randomSecret()), { admit })).rejects.toThrow('throttled')
})
