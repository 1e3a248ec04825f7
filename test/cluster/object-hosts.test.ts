import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { login, until } from '../client.ts'
import { freePort } from '../lab/daemon.ts'
import { hearthCommand, start } from '../start.ts'
import { closeHosts, logOf, openHosts } from './object-hosts.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
  await closeHosts()
})

test('hosts that are set up as documented see the same objects', async () => {
  const { home, others } = await openHosts()
  const clients = await Promise.all(
    [home, ...others].map(({ urls }) => login({ ...urls, identity: home.urls.identity }, home.demo)),
  )
  const [a, b, c] = clients
  await a!.must('object', 'PUT', '/box')
  const body = randomBytes(300_000)
  expect((await a!.call('object', 'PUT', '/box/large', { body })).status).toBe(201)
  expect((await b!.call('object', 'PUT', '/box/small', { body: 'x' })).status).toBe(201)
  for (const client of clients) {
    const headers = { accept: 'application/json' }
    await until(
      () => client!.call('object', 'GET', '/box?format=json', { headers }),
      ({ body: listed }) => (listed as unknown[]).length === 2,
    )
    expect((await client!.call('object', 'HEAD', '/box/large')).headers.get('content-length')).toBe('300000')
  }
  expect((await c!.call('object', 'DELETE', '/box/large')).status).toBe(204)
  for (const client of clients) expect((await client!.call('object', 'GET', '/box/large')).status).toBe(404)
})

test('a host with another hash salt is refused by the others, who say why, and loses nothing for them', async () => {
  const { home, others } = await openHosts({
    change(secrets) {
      secrets.objectSalt = 'another'
    },
  })
  const client = await login(home.urls, home.demo)
  await client.must('object', 'PUT', '/box')
  expect((await client.call('object', 'PUT', '/box/o', { body: 'x' })).status).toBe(201)
  const stranger = await login({ ...others[1]!.urls, identity: home.urls.identity }, home.demo)
  expect((await stranger.call('object', 'GET', '/box/o')).status).toBeGreaterThanOrEqual(400)
  expect(logOf(others[1]!)).toContain('the hash salt is another one')
  expect((await client.call('object', 'GET', '/box/o')).status).toBe(200)
})

test('the roles of the object store run in a process each on one host, and its devices belong to one of them', async () => {
  const port = await freePort()
  const suite = await start({
    processes: [['keystone', 'swift.storage'], ['swift.proxy'], ['swift.keepers']],
    config: { object: { storageAddress: `127.0.0.1:${port}` } },
  })
  undo.push(() => suite.close())
  const client = await login(suite.urls, suite.demo)
  await client.must('object', 'PUT', '/box')
  const body = randomBytes(200_000)
  expect((await client.call('object', 'PUT', '/box/o', { body })).status).toBe(201)
  expect((await client.call('object', 'HEAD', '/box/o')).headers.get('content-length')).toBe('200000')
  expect(
    (await client.call('object', 'PUT', '/box/gone', { body: 'x', headers: { 'x-delete-after': '1' } })).status,
  ).toBe(201)
  await until(
    () => client.call('object', 'GET', '/box?format=json'),
    ({ body: listed }) => (listed as unknown[]).length === 1,
  )
  const { stdout } = await hearthCommand(suite.dataFolder, ['object', 'devices', '--json'])
  expect((JSON.parse(stdout) as { state: string }[]).map(({ state }) => state)).toEqual(['online', 'online', 'online'])
})
