import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForTests, type TestService } from '../start-for-tests.ts'

let glance: TestService
beforeAll(async () => {
  glance = await startForTests({ limits: { imageCache: true, imageCacheMaxSize: 1_000_000 } })
})
afterAll(() => glance.close())

const bytes = randomBytes(400_000)
const admin = (method: string, path: string, headers = {}) =>
  glance.call('root+admin', method, `/v2/cache${path}`, undefined, headers)
const files = async () => (await readdir(join(glance.folder, 'work', 'cache'))).filter((name) => name !== 'incomplete')
const cached = async () =>
  (await glance.json('root+admin', 'GET', '/v2/cache')).cached_images as { image_id: string; hits: number }[]
const download = async (id: string, headers = {}) =>
  Buffer.from(await (await glance.call('alpha', 'GET', `/v2/images/${id}/file`, undefined, headers)).arrayBuffer())
const image = async () => {
  const id = await glance.image('alpha')
  await glance.call('alpha', 'PUT', `/v2/images/${id}/file`, bytes)
  return id
}

test('a download is kept and serves the next one, whole or in part, when the store has lost its bytes', async () => {
  const id = await image()
  expect((await download(id, { range: 'bytes=0-9' })).length).toBe(10)
  expect(await cached()).toEqual([])
  expect((await download(id)).equals(bytes)).toBe(true)
  await expect.poll(cached).toMatchObject([{ image_id: id, hits: 0, size: bytes.length }])
  await glance.stores.main.purge(id)
  expect((await download(id)).equals(bytes)).toBe(true)
  expect((await download(id, { range: 'bytes=10-19' })).equals(bytes.subarray(10, 20))).toBe(true)
  expect(await cached()).toMatchObject([{ hits: 2 }])
  await glance.restart()
  expect((await download(id)).equals(bytes)).toBe(true)
  await glance.call('alpha', 'DELETE', `/v2/images/${id}`)
  expect(await files()).toEqual([])
})

test('images are fetched when queued, and cleared as asked', async () => {
  const id = await image()
  const waiting = await glance.image('alpha')
  expect((await admin('PUT', `/${waiting}`)).status).toBe(400)
  expect((await admin('PUT', '/non-existing')).status).toBe(404)
  expect((await admin('PUT', `/${id}`)).status).toBe(202)
  await expect.poll(async () => (await cached()).map((each) => each.image_id)).toEqual([id])
  expect((await admin('DELETE', '', { 'x-image-cache-clear-target': 'wrong' })).status).toBe(400)
  expect((await admin('DELETE', '', { 'x-image-cache-clear-target': 'queue' })).status).toBe(204)
  expect(await cached()).toHaveLength(1)
  expect((await admin('DELETE', '')).status).toBe(204)
  expect(await files()).toEqual([])
  expect((await glance.call('alpha', 'GET', '/v2/cache')).status).toBe(403)
})

test('the least used image gives way', async () => {
  const ids = [await image(), await image(), await image()]
  for (const id of ids) {
    await download(id)
    await expect.poll(async () => (await cached()).at(-1)?.image_id).toBe(id)
  }
  expect((await cached()).map((each) => each.image_id)).toEqual(ids.slice(1))
  expect(await (await admin('POST', '/prune')).json()).toEqual({ total_files_pruned: 0, total_bytes_pruned: 0 })
})

test('bytes that are not the image’s are passed on and not kept', async () => {
  const id = await image()
  await glance.database
    .query('images')
    .where({ id })
    .update({ checksum: '0'.repeat(32) })
  await download(id)
  expect(await files()).not.toContain(id)
})

test('versions 2.14, 2.16 and 2.18, which clients look for before they use the cache, are announced only where it is on', async () => {
  const announced = async (service: TestService, path: string) => {
    const response = await fetch(service.url + path)
    const { versions } = (await response.json()) as { versions: { id: string; status: string }[] }
    return versions.filter(({ id }) => ['v2.14', 'v2.16', 'v2.18'].includes(id)).map(({ id }) => id)
  }
  const plain = await startForTests()
  for (const path of ['/', '/versions', '/unknown']) {
    expect(await announced(glance, path)).toEqual(['v2.18', 'v2.16', 'v2.14'])
    expect(await announced(plain, path)).toEqual([])
  }
  await plain.close()
})

test('the glance command lists, fills and clears the cache', async () => {
  const run = async (...args: string[]) => {
    const options = ['--os-image-url', glance.url, '--os-auth-token', 'root+admin', ...args]
    // The client keeps schemas in its home, and trips over them when it has no identity service to tell clouds apart.
    const home = await mkdtemp(join(glance.folder, 'home-'))
    return (await promisify(execFile)('glance', options, { env: { ...process.env, HOME: home } })).stdout
  }
  const id = await image()
  await run('cache-queue', id)
  await expect.poll(() => run('cache-list'), { timeout: 20_000, interval: 500 }).toContain(id)
  await run('cache-clear')
  expect(await run('cache-list')).not.toContain(id)
}, 60_000)
