import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login, makeRawImage, type Service, until } from '../client.ts'
import { hearthCommand, type Started, start } from '../start.ts'

const apart = [['keystone'], ['swift', 'glance', 'cinder']]
let suite: Started
beforeAll(async () => {
  suite = await start({ processes: apart, config: { identity: { revocationLagSeconds: 5 } } })
})
afterAll(() => suite.close())

/** Statuses of the services that follow the identity service from another process. */
async function statusesOf(client: Client): Promise<number[]> {
  const calls: [Service, string][] = [
    ['volume', '/volumes'],
    ['image', '/images'],
    ['object', ''],
  ]
  return (await Promise.all(calls.map(([service, path]) => client.call(service, 'GET', path)))).map(
    ({ status }) => status,
  )
}

const become = (client: Client, status: number) =>
  until(
    () => statusesOf(client),
    (seen) => seen.every((one) => (status < 300 ? one < 300 : one === status)),
    30,
  )

test('a rotation makes new tokens of a new key, and those there are stay good', async () => {
  const before = await login(suite.urls, suite.demo)
  const { stdout } = await hearthCommand(suite.dataFolder, ['secrets', 'rotate'])
  expect(stdout).toContain('Tokens issued before are good until their end.')
  const isNew = (client: Client): boolean => client.token.split('.')[1] !== before.token.split('.')[1]
  const after = await until(() => login(suite.urls, suite.demo), isNew)
  expect((await statusesOf(after)).every((status) => status < 300)).toBe(true)
  expect((await statusesOf(before)).every((status) => status < 300)).toBe(true)
})

test('a rotation for now voids every token in every process, and services log in anew by themselves', async () => {
  const stolen = await login(suite.urls, suite.admin)
  await hearthCommand(suite.dataFolder, ['secrets', 'rotate', '--now'])
  await until(
    async () => (await stolen.call('identity', 'GET', '/users')).status,
    (status) => status === 401,
    30,
  )
  await become(stolen, 401)
  const fresh = await login(suite.urls, suite.demo)
  await become(fresh, 200)
  // Glance writes into the object store with a token of its own, which was voided as well.
  const upload = () => makeRawImage(fresh, randomBytes(1024)).catch(() => null)
  expect(await until(upload, (id) => id !== null, 30)).not.toBeNull()
})

test('the database holds no key that signs', () => {
  const secrets = JSON.parse(readFileSync(join(suite.dataFolder, 'secrets.json'), 'utf8')) as { signing: string }
  const files = ['keystone.db', 'keystone.db-wal'].map((name) =>
    readFileSync(join(suite.dataFolder, 'db', name), 'latin1'),
  )
  for (const text of files) {
    expect(text).not.toContain('PRIVATE KEY')
    expect(text).not.toContain(secrets.signing)
  }
})

test('where revocations cannot be followed tokens are refused with 503 until they can', async () => {
  const client = await login(suite.urls, suite.demo)
  await become(client, 200)
  process.kill(suite.pid, 'SIGSTOP')
  try {
    await become(client, 503)
    for (const url of [suite.urls.volume, suite.urls.image, suite.urls.object])
      expect((await fetch(new URL('/healthcheck', url))).status).toBe(200)
  } finally {
    process.kill(suite.pid, 'SIGCONT')
  }
  await become(client, 200)
})
