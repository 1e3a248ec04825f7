import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { migrate, openDatabase } from '@hearth/database'
import { expect, test, vi } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { newAuditId } from './claims.ts'
import { openTokenSource } from './source.ts'
import { revoke } from './store.ts'

const identity = {
  userId: 'u',
  userName: 'u',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: null,
  projectName: null,
  projectDomainId: null,
  projectDomainName: null,
  domainId: null,
  domainName: null,
  system: false,
  roles: [],
  methods: ['password'],
  auditIds: [newAuditId()],
  issuedAt: Date.now() - 1000,
  expiresAt: Date.now() + 60_000,
  appCredentialId: null,
  accessRules: null,
}

const options = { secret: 'wrapping', log: silentLog }

test('two processes on one database verify each other’s tokens and read each other’s revocations', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keystone-'))
  const url = `sqlite:${join(folder, 'k.db')}`
  const [one, other] = [await openDatabase(url), await openDatabase(url)]
  await migrate(one, 'keystone', migrations)
  const [mine, theirs] = [await openTokenSource(one, options), await openTokenSource(other, options)]
  const token = mine.sign(identity, { trust: 't' })
  expect(theirs.verify(token)).toEqual({ identity, extra: { trust: 't' } })
  await one.transaction((tx) => revoke(tx, [{ userId: 'u' }], { tokens: mine }))
  await mine.applyRevocations()
  expect(mine.revocations.isRevoked(identity)).toBe(true)
  await vi.waitFor(() => expect(theirs.revocations.isRevoked(identity)).toBe(true), 5000)
  for (const source of [mine, theirs]) source.close()
  for (const database of [one, other]) await database.close()
  rmSync(folder, { recursive: true })
})

test('the services of one process share one keeper for a database', async () => {
  const database = await openDatabase('sqlite::memory:')
  await migrate(database, 'keystone', migrations)
  expect(await openTokenSource(database, options)).toBe(await openTokenSource(database, options))
  ;(await openTokenSource(database, options)).close()
  await database.close()
})
