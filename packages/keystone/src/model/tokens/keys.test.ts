import { newSigningKeyPem } from '@hearth/auth'
import { type Identity, silentLog } from '@hearth/core'
import { type Database, migrate, openDatabase } from '@hearth/database'
import { afterEach, expect, test, vi } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import type { TokenKeeper } from './keeper.ts'
import { rotateSigningKeys } from './keys.ts'
import { openTokenSource } from './source.ts'
import { revoke } from './store.ts'

const identity = { userId: 'u', roles: [], auditIds: ['a'], expiresAt: Date.now() + 60_000 } as unknown as Identity
const opened: { close(): unknown }[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function newDatabase(): Promise<Database> {
  const database = await openDatabase('sqlite::memory:')
  opened.push(database)
  await migrate(database, 'keystone', migrations)
  return database
}

async function open(database: Database, secret = 'wrapping', tokenSeconds = 3600): Promise<TokenKeeper> {
  const keeper = await openTokenSource(database, { secret, tokenSeconds, log: silentLog })
  opened.push(keeper)
  return keeper
}

/** Opens the keeper as after a restart of the process. */
async function reopen(database: Database, keeper: TokenKeeper, secret?: string): Promise<TokenKeeper> {
  keeper.close()
  return open(database, secret)
}

const idOf = (token: string): string => token.split('.')[1]!

test('a signing key cannot be read from the database without the wrapping secret', async () => {
  const database = await newDatabase()
  const keeper = await open(database)
  const rows = JSON.stringify(await database.query('signing_keys'))
  expect(rows).not.toContain('PRIVATE KEY')
  keeper.close()
  await expect(openTokenSource(database, { secret: 'another', log: silentLog })).rejects.toThrow(
    /another secrets\.json/,
  )
})

test('a key with the id of another key cannot be unwrapped', async () => {
  const database = await newDatabase()
  ;(await open(database)).close()
  await database.query('signing_keys').update({ id: 'deadbeef' })
  await expect(openTokenSource(database, { secret: 'wrapping', log: silentLog })).rejects.toThrow('deadbeef')
})

test('an unwrapped key of an earlier version is wrapped, still verifies, and no longer signs', async () => {
  const database = await newDatabase()
  await database.query('signing_keys').insert({ id: 'old', pem: newSigningKeyPem(), created_at: Date.now() })
  const keeper = await open(database)
  expect([...keeper.keys().keys()]).toContain('old')
  expect(idOf(keeper.sign(identity, {}))).not.toBe('old')
  expect(JSON.stringify(await database.query('signing_keys'))).not.toContain('PRIVATE KEY')
})

test('after a rotation a new key signs, and tokens of the old key are valid until they have expired', async () => {
  const database = await newDatabase()
  const keeper = await open(database, 'wrapping', 100 * 24 * 3600)
  const before = keeper.sign(identity, {})
  const { keyId, replaced } = await rotateSigningKeys(database, 'wrapping', false)
  expect(replaced).toEqual([idOf(before)])
  await vi.waitFor(() => expect(idOf(keeper.sign(identity, {}))).toBe(keyId), 5000)
  expect(keeper.verify(before)).not.toBeNull()
  const days = (count: number): void => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + count * 24 * 3_600_000 })
  }
  days(101)
  const later = await reopen(database, keeper)
  expect(later.verify(before)).not.toBeNull()
  days(2)
  const last = await reopen(database, later)
  expect(last.verify(before)).toBeNull()
  expect(last.jwks().keys).toHaveLength(1)
})

test('an immediate rotation invalidates every token, also when the wrapping secret was lost', async () => {
  const database = await newDatabase()
  const keeper = await open(database)
  const token = keeper.sign(identity, {})
  await rotateSigningKeys(database, 'wrapping', true)
  await vi.waitFor(() => expect(keeper.verify(token)).toBeNull(), 5000)
  await rotateSigningKeys(database, 'new', true)
  const after = await reopen(database, keeper, 'new')
  expect(after.verify(after.sign(identity, {}))).not.toBeNull()
})

test('the newest key signs although the clock was set back', async () => {
  const database = await newDatabase()
  const keeper = await open(database)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
  const { keyId } = await rotateSigningKeys(database, 'wrapping', false)
  expect(idOf((await reopen(database, keeper)).sign(identity, {}))).toBe(keyId)
})

test('revocations stay as long as the longest token, then they are removed from memory and database', async () => {
  const database = await newDatabase()
  const keeper = await open(database, 'wrapping', 30 * 24 * 3600)
  await database.transaction((tx) => revoke(tx, [{ userId: 'u' }], { tokens: keeper }))
  const days = async (count: number, from: TokenKeeper): Promise<TokenKeeper> => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + count * 24 * 3_600_000 })
    return reopen(database, from)
  }
  const later = await days(32, keeper)
  expect(later.revocations.size()).toBe(1)
  const last = await days(2, later)
  expect(last.revocations.size()).toBe(0)
  expect(await database.query('revocation_events')).toEqual([])
  expect(await last.revision()).toBe(0)
})
