import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@hearth/database'
import { expect, onTestFinished, test } from 'vitest'
import { loadConfig } from './config.ts'
import { foldersOf } from './folders.ts'
import { openSecrets } from './open-secrets.ts'
import { roleNames } from './role-names.ts'
import { keepPrints } from './secret-prints.ts'
import { type Secrets, secretsNeeded } from './secrets.ts'

/** Hosts that share a database, each with a data folder of its own. */
async function hosts() {
  const database = await openDatabase('sqlite::memory:')
  onTestFinished(() => database.close())
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'host-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'hearth.yaml'), 'dataFolder: .')
    const config = { ...loadConfig(join(folder, 'hearth.yaml')), database: 'mysql://u:p@db/hearth' }
    const folders = foldersOf(folder)
    const open = (roles: string[]) => openSecrets({ config, folders, database: async () => database }, roles)
    const bring = (secrets: Partial<Secrets>) =>
      writeFileSync(folders.secrets, JSON.stringify(secrets), { mode: 0o600 })
    const startIdentity = async () => {
      const opened = await open(roleNames)
      await keepPrints(database, opened.secrets)
      return opened
    }
    return { open, bring, startIdentity, file: folders.secrets }
  }
}

test('a storage host that starts before it was given secrets makes none and says where to get them', async () => {
  const storage = (await hosts())()
  await expect(storage.open(['cinder.volume'])).rejects.toThrow('hearth secrets export --roles cinder.volume')
  expect(existsSync(storage.file)).toBe(false)
})

test('a storage host works with the few secrets it needs, and is refused with those of another suite', async () => {
  const host = await hosts()
  const { secrets } = await host().startIdentity()
  const storage = host()
  const few = Object.fromEntries(secretsNeeded(['cinder.volume']).map((name) => [name, secrets[name]]))
  storage.bring(few)
  expect((await storage.open(['cinder.volume'])).secrets).toEqual(few)
  storage.bring({ ...few, cinder: 'of-another-suite' })
  const refused = await storage.open(['cinder.volume']).catch((error: Error) => error.message)
  expect(refused).toContain('cinder differ')
  expect(refused).not.toContain('of-another-suite')
})

test('a second identity host without the secrets of the first is refused, and makes none', async () => {
  const host = await hosts()
  await host().startIdentity()
  const second = host()
  await expect(second.open(roleNames)).rejects.toThrow('copy secrets.json from the host that has run keystone.api')
  expect(existsSync(second.file)).toBe(false)
})

test('a password that the operator has changed is told once, until it was applied', async () => {
  const host = (await hosts())()
  await host.startIdentity()
  expect((await host.open(roleNames)).changed).toEqual([])
  host.bring({ ...(JSON.parse(readFileSync(host.file, 'utf8')) as Secrets), demo: 'chosen' })
  expect((await host.open(roleNames)).changed).toEqual(['demo'])
  await host.startIdentity()
  expect((await host.open(roleNames)).changed).toEqual([])
})
