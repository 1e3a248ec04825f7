import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { login, until } from '../client.ts'
import { freePort } from '../lab/daemon.ts'
import { hearthCommand, type Started, start } from '../start.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

interface Hosts {
  home: Started
  others: Started[]
  logOf(host: Started): string
}

/** Three hosts with a device each and rings made by the command; identity runs on the first. `change` edits secrets of the third. */
async function openHosts(change: (secrets: Record<string, string>) => void = () => undefined): Promise<Hosts> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-hosts-'))
  undo.push(async () => rmSync(folder, { recursive: true, force: true }))
  const ports = await Promise.all([0, 1, 2].map(freePort))
  await makeRings(folder, ports)
  const object = (index: number) => ({
    rings: folder,
    storageAddress: `127.0.0.1:${ports[index]}`,
    devices: [{ path: 'sd' }],
  })
  const open = async (index: number, processes: string[][], more: object): Promise<Started> => {
    const dataFolder = join(folder, `host${index}`)
    const devices = [{ path: join(dataFolder, 'sd') }]
    const host = await start({ dataFolder, processes, config: { object: { ...object(index), devices }, ...more } })
    undo.push(() => host.close())
    return host
  }
  const home = await open(0, [['keystone', 'swift']], {})
  const { stdout } = await hearthCommand(home.dataFolder, ['secrets', 'export', '--roles', 'swift'])
  const others: Started[] = []
  for (const index of [1, 2]) {
    const dataFolder = join(folder, `host${index}`)
    const secrets = JSON.parse(stdout) as Record<string, string>
    if (index === 2) change(secrets)
    mkdirSync(dataFolder)
    writeFileSync(join(dataFolder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 })
    const identity = { publicUrl: home.urls.identity.replace('/v3', '') }
    others.push(await open(index, [['swift']], { identity }))
  }
  return { home, others, logOf: ({ dataFolder }) => readFileSync(join(dataFolder, 'log', 'hearth.log'), 'utf8') }
}

async function makeRings(folder: string, ports: number[]): Promise<void> {
  writeFileSync(join(folder, 'hearth.yaml'), '{}')
  for (const name of ['account', 'container', 'object']) {
    const builder = `${name}.builder.json`
    const ring = (...words: string[]) => hearthCommand(folder, ['ring', ...words])
    await ring('create', builder, '--part-power', '6')
    for (const [index, port] of ports.entries())
      await ring('add', builder, `z${index + 1}-127.0.0.1:${port}/sd1`, '100')
    await ring('rebalance', builder, '--output', `${name}.ring.gz`)
  }
}

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
  const { home, others, logOf } = await openHosts((secrets) => {
    secrets.objectSalt = 'another'
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
