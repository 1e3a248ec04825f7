import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Identity, openMetrics, silentLog } from '@hearth/core'
import { type BackupStore, type DriverDeps, type ImageStore, openDriver } from '@hearth/driver'
import { backupContract, imageContract } from '@hearth/driver/contract'
import { openStorage, proxy } from '@hearth/swift'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSwiftClient } from './client.ts'

const service = 'feed0000feed0000feed0000feed0000'
const tenant = 'cafe0000cafe0000cafe0000cafe0000'
const segment = 100_000
const good = 'a-token-of-the-service-user'
const plugin = join(import.meta.dirname, 'index.ts')

let images: ImageStore
let backups: BackupStore
let url = ''
const ends: (() => Promise<unknown>)[] = []

const identity = {
  userId: 'u',
  userName: 'glance',
  projectId: service,
  projectName: 'service',
  roles: ['admin', 'service', 'member', 'ResellerAdmin'],
  expiresAt: Number.MAX_SAFE_INTEGER,
  accessRules: null,
} as unknown as Identity

/** `at` is asked when a driver speaks to the store: its port is known late. */
function depsOf(at: () => string, log: DriverDeps['log'] = silentLog): DriverDeps {
  const session = {
    token: async () => good,
    projectId: async () => service,
    endpoint: async (_type: string, projectId = service) => `${at()}/v1/AUTH_${projectId}`,
  }
  return { run: undefined as never, log, session }
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'swift-driver-'))
  const devices = await Promise.all(
    ['sd1', 'sd2', 'sd3'].map(async (id) => {
      await mkdir(join(folder, id))
      return { id, path: join(folder, id) }
    }),
  )
  const storage = await openStorage({
    ...{ devices, dataFolder: folder, partPower: 4, log: silentLog },
    ...{ salt: { prefix: '', suffix: 'test' }, secret: 'test' },
  })
  const running = await proxy({
    host: '127.0.0.1',
    port: 0,
    storage,
    log: silentLog,
    metrics: openMetrics(),
    authenticator: {
      authenticate: async (token) => (token === good ? identity : null),
      close: async () => undefined,
    },
  })
  url = running.url!
  const deps = depsOf(() => url)
  images = await openDriver('image', plugin, { segmentSize: segment }, deps)
  backups = await openDriver('backup', plugin, {}, { ...deps, projectId: tenant })
  ends.push(
    () => images.close!(),
    () => backups.close!(),
    running.close,
    storage.close,
    () => rm(folder, { recursive: true }),
  )
})
afterAll(async () => {
  for (const end of ends) await end()
})

const chunks = (bytes: Buffer, step: number) =>
  Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => bytes.subarray(index * step, (index + 1) * step))
const streamOf = (bytes: Buffer, step = 7777) => Readable.from(chunks(bytes, step), { objectMode: false })
const read = async (stream: Readable) => Buffer.concat(await stream.toArray())
const objects = async (container: string, project = service): Promise<string[]> => {
  const response = await fetch(`${url}/v1/AUTH_${project}/${container}?format=json`, {
    headers: { 'x-auth-token': good },
  })
  const names = response.ok ? ((await response.json()) as { name: string }[]) : []
  return names.map((row) => row.name)
}
const newId = () => crypto.randomUUID()

test.each([
  ['one byte, size known', 1, true],
  ['nothing, size known', 0, true],
  ['nothing, size unknown', 0, false],
  ['one segment, size known', segment, true],
  ['one segment, size unknown', segment, false],
  ['a bit more than two segments', 2 * segment + 17, true],
  ['three segments, size unknown', 3 * segment, false],
])('an image of %s comes back, whole and in ranges, and leaves nothing when deleted', async (_name, size, known) => {
  const bytes = randomBytes(size)
  const id = newId()
  const { location, size: stored } = await images.add(id, streamOf(bytes), known ? size : null)
  expect(stored).toBe(size)
  expect((await read(await images.get(location))).equals(bytes)).toBe(true)
  for (const [offset, length] of [
    [0, 1],
    [segment - 3, 10],
    [segment, 5],
    [size - 1, 1],
    [10, size],
  ] as const) {
    if (offset < 0 || offset >= size) continue
    const part = await read(await images.get(location, { offset, length }))
    expect(part.equals(bytes.subarray(offset, offset + length))).toBe(true)
  }
  expect(await images.list!()).toContain(id)
  await images.delete(location)
  await images.delete(location)
  expect((await objects('glance')).filter((name) => name.startsWith(id))).toEqual([])
  if (size > 0) await expect(images.get(location)).rejects.toMatchObject({ kind: 'not-found' })
})

test('a big image is segments and a manifest of them', async () => {
  const id = newId()
  await images.add(id, streamOf(randomBytes(2 * segment + 1)), null)
  expect((await objects('glance')).filter((name) => name.startsWith(id))).toEqual([
    id,
    `${id}-00001`,
    `${id}-00002`,
    `${id}-00003`,
  ])
  const head = await fetch(`${url}/v1/AUTH_${service}/glance/${id}`, {
    method: 'HEAD',
    headers: { 'x-auth-token': good },
  })
  expect(head.headers.get('x-object-manifest')).toBe(`glance/${id}-`)
  await images.purge(id)
  expect((await objects('glance')).filter((name) => name.startsWith(id))).toEqual([])
})

test('a stream that breaks in a later segment leaves nothing, and a shorter second try has no part of the first', async () => {
  const id = newId()
  const breaking = async function* () {
    yield* chunks(randomBytes(2 * segment + 500), 9999)
    throw new Error('gone')
  }
  await expect(images.add(id, Readable.from(breaking(), { objectMode: false }), 5 * segment)).rejects.toThrow()
  expect((await objects('glance')).filter((name) => name.startsWith(id))).toEqual([])
  const bytes = randomBytes(segment + 1)
  const { location } = await images.add(id, streamOf(bytes), null)
  expect((await read(await images.get(location))).equals(bytes)).toBe(true)
  await images.purge(id)
})

test('a source that breaks after the last declared byte does not break the object: its owner purges', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = newId()
    const breaking = async function* () {
      yield randomBytes(1000)
      throw new Error('bad content')
    }
    await images.add(
      id,
      Readable.from(breaking(), { objectMode: false }).on('error', () => undefined),
      1000,
    )
    await images.purge(id)
    expect((await objects('glance')).filter((name) => name.startsWith(id))).toEqual([])
  }
})

test('an aborted upload fails with `aborted` and leaves nothing', async () => {
  const id = newId()
  const abort = new AbortController()
  const endless = async function* () {
    for (let index = 0; ; index += 1) {
      if (index === 30) abort.abort()
      yield Buffer.alloc(10_000)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const adding = images.add(id, Readable.from(endless(), { objectMode: false }), null, abort.signal)
  await expect(adding).rejects.toMatchObject({ kind: 'aborted' })
  expect((await objects('glance')).filter((name) => name.startsWith(id))).toEqual([])
})

test('backups are objects in the account of their project', async () => {
  await backups.prepare('vault')
  await backups.prepare('vault')
  const data = randomBytes(50_000)
  await backups.put('vault', 'v/1/00002', data)
  await backups.put('vault', 'v/1/00001', randomBytes(10))
  await backups.put('vault', 'w', randomBytes(10))
  expect(Buffer.from(await backups.get('vault', 'v/1/00002')).equals(data)).toBe(true)
  expect(await backups.list('vault', 'v/')).toEqual(['v/1/00001', 'v/1/00002'])
  expect(await objects('vault', tenant)).toHaveLength(3)
  await backups.delete('vault', 'w')
  await backups.delete('vault', 'w')
  await expect(backups.get('vault', 'w')).rejects.toMatchObject({ kind: 'not-found' })
  expect(await backups.list('elsewhere', '')).toEqual([])
})

const closed = () => 'http://127.0.0.1:1'
const openImages = (container: string, deps: DriverDeps) =>
  openDriver('image', plugin, { container, segmentSize: 4 * 1024 ** 2 }, deps)

imageContract({
  name: 'object store',
  open: async (log) =>
    openImages(
      'contract',
      depsOf(() => url, log),
    ),
  openBroken: async (log) => openImages('contract', depsOf(closed, log)),
  abilities: { list: true },
  secrets: [good],
})

backupContract({
  name: 'object store',
  open: async (log) =>
    openDriver(
      'backup',
      plugin,
      {},
      depsOf(() => url, log),
    ),
  openBroken: async (log) => openDriver('backup', plugin, {}, depsOf(closed, log)),
  secrets: [good],
})

test('a token voided before its end is replaced once; a body that can be read only once is for the next request', async () => {
  const logins: string[] = []
  const openVoided = () => {
    let token = 'voided'
    const session = {
      token: async () => token,
      projectId: async () => service,
      endpoint: async () => `${url}/v1/AUTH_${service}`,
      refused(refused: string) {
        logins.push(refused)
        if (refused === token) token = good
        return true
      },
    }
    return openSwiftClient(session)
  }
  const one = openVoided()
  await one.call('PUT', { path: ['voided'] })
  await one.call('PUT', { path: ['voided', 'thing'], body: Buffer.from('text') })
  expect(logins).toEqual(['voided'])
  const other = openVoided()
  const put = () => other.call('PUT', { path: ['voided', 'other'], body: Readable.from(['text']) })
  await expect(put()).rejects.toMatchObject({ kind: 'unavailable' })
  await put()
  expect(logins).toEqual(['voided', 'voided'])
  for (const client of [one, other]) await client.close()
})
