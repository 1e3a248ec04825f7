import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login, until, waitForStatus, waitUntilGone } from '../client.ts'
import { type Started, start } from '../start.ts'

const folder = mkdtempSync(join(tmpdir(), 'full-disk-'))
const mounts = { objects: join(folder, 'objects'), volumes: join(folder, 'volumes'), log: join(folder, 'log') }
const megabyte = 2 ** 20
const octets = { 'content-type': 'application/octet-stream' }

let suite: Started
let client: Client

beforeAll(async () => {
  for (const [name, size] of [
    ['objects', '200m'],
    ['volumes', '40m'],
    ['log', '1m'],
  ] as const) {
    mkdirSync(mounts[name])
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'hearth-test', mounts[name]])
  }
  const devices = [1, 2, 3].map((zone) => ({ path: join(mounts.objects, `sd${zone}`), zone }))
  const iscsi = { driver: '@hearth/driver-memory' }
  const backends = {
    small: {
      driver: '@hearth/driver-file',
      options: { folder: mounts.volumes, maxOverSubscriptionRatio: 100 },
      export: iscsi,
    },
  }
  const stores = { swift: { driver: '@hearth/driver-swift' } }
  const log = { file: join(mounts.log, 'hearth.log') }
  suite = await start({ config: { object: { devices }, image: { stores }, volume: { backends }, log } })
  client = await login(suite.urls, suite.demo)
})

afterAll(async () => {
  await suite?.close()
  for (const mount of Object.values(mounts)) await execa('umount', ['--lazy', mount], { reject: false })
  rmSync(folder, { recursive: true })
})

/** Bytes in use on a mount. */
function used(mount: string): number {
  const { blocks, bfree, bsize } = statfsSync(mount)
  return (blocks - bfree) * bsize
}

/** Bytes of the bodies of objects; what else lies on a device may grow. */
function bodyBytes(path: string): number {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  const bodies = entries.filter((entry) => entry.isFile() && /\/bodies\//.test(`${entry.parentPath}/`))
  return bodies.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

test('a full disk under the log costs lines of the log and nothing else', async () => {
  const filler = join(mounts.log, 'filler')
  expect(() => writeFileSync(filler, randomBytes(2 * megabyte))).toThrow('ENOSPC')
  for (let request = 0; request < 20; request++)
    expect((await client.call('image', 'GET', `/images?limit=${request + 1}`)).status).toBe(200)
  const lines = () => readFileSync(join(mounts.log, 'hearth.log'), 'utf8')
  expect(lines()).not.toContain('"dropped"')
  rmSync(filler)
  expect((await client.call('image', 'GET', '/images')).status).toBe(200)
  await until(
    async () => lines(),
    (text) => /"dropped":\d+/.test(text),
    10,
  )
})

test('an object that does not fit is refused, leaves nothing, and does not keep a smaller one out', async () => {
  await client.must('object', 'PUT', '/box')
  const answer = await client.call('object', 'PUT', '/box/huge', { body: randomBytes(110 * megabyte) })
  expect([503, 507]).toContain(answer.status)
  expect((await client.call('object', 'GET', '/box/huge')).status).toBe(404)
  await until(
    async () => bodyBytes(mounts.objects),
    (bytes) => bytes === 0,
    20,
  )
  expect((await client.call('object', 'PUT', '/box/small', { body: randomBytes(megabyte) })).status).toBe(201)
  await client.must('object', 'DELETE', '/box/small')
})

test('an image that does not fit is refused with 413, stays queued, and leaves no bytes', async () => {
  const json = { name: 'huge', disk_format: 'raw', container_format: 'bare' }
  const { id } = (await client.must('image', 'POST', '/images', { json })).body
  const answer = await client.call('image', 'PUT', `/images/${id}/file`, {
    body: randomBytes(110 * megabyte),
    headers: octets,
  })
  expect(answer.status).toBe(413)
  expect((await client.must('image', 'GET', `/images/${id}`)).body).toMatchObject({ status: 'queued', size: null })
  await until(
    async () => bodyBytes(mounts.objects),
    (bytes) => bytes === 0,
    20,
  )
  expect((await client.call('image', 'DELETE', `/images/${id}`)).status).toBe(204)
})

test('a volume whose image does not fit ends in error with a message, and its owner deletes it', async () => {
  const json = { name: 'too large', disk_format: 'raw', container_format: 'bare' }
  const image = (await client.must('image', 'POST', '/images', { json })).body
  const bytes = randomBytes(45 * megabyte)
  expect((await client.call('image', 'PUT', `/images/${image.id}/file`, { body: bytes, headers: octets })).status).toBe(
    204,
  )
  const before = used(mounts.volumes)
  const asked = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, imageRef: image.id } } })
  const path = `/volumes/${asked.body.volume.id}`
  const read = async () => (await client.must('volume', 'GET', path)).body.volume.status
  await until(read, (status) => status === 'error', 60)
  const { body } = await client.must('volume', 'GET', '/messages', { version: '3.3' })
  const about = body.messages.filter(
    (message: { resource_uuid: string }) => message.resource_uuid === asked.body.volume.id,
  )
  expect(about).toHaveLength(1)
  expect((await client.call('volume', 'DELETE', path)).status).toBe(202)
  await waitUntilGone(client, 'volume', path)
  await until(
    async () => used(mounts.volumes),
    (now) => now <= before,
    20,
  )
  const small = await client.must('volume', 'POST', '/volumes', { json: { volume: { size: 1 } } })
  await waitForStatus(client, `/volumes/${small.body.volume.id}`, 'available')
})
