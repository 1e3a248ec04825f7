import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startForTests, type TestService } from '../../start-for-tests.ts'

let glance: TestService
beforeAll(async () => {
  glance = await startForTests({ limits: { imageSizeCap: 20_000_000 } })
})
afterEach(() => {
  glance.stores.main.capacity = Number.POSITIVE_INFINITY
  glance.stores.main.refuse = null
})
afterAll(() => glance.close())

const bytes = randomBytes(5_000_000)
const show = (id: string) => glance.json('alpha', 'GET', `/v2/images/${id}`)
const put = (id: string, body: unknown, headers = {}) =>
  glance.call('alpha', 'PUT', `/v2/images/${id}/file`, body, headers)
const get = (id: string, headers = {}, token = 'alpha') =>
  glance.call(token, 'GET', `/v2/images/${id}/file`, undefined, headers)
const queuedAndGone = async (id: string) => {
  expect(await show(id)).toMatchObject({ status: 'queued', size: null, checksum: null, os_hash_value: null })
  expect(await glance.stores.main.files()).not.toContain(id)
}
/** A body that ends or breaks on command, sent in chunks without a length. */
const chunked = (parts: Uint8Array[], breaks = false) =>
  new ReadableStream({
    async start(controller) {
      for (const part of parts) controller.enqueue(part)
      await sleep(50)
      if (breaks) controller.error(new Error('gone'))
      else controller.close()
    },
  })

test('what is uploaded is hashed, measured and comes back byte by byte', async () => {
  const id = await glance.image('alpha')
  expect((await get(id)).status).toBe(204)
  expect((await put(id, bytes)).status).toBe(204)
  expect(await show(id)).toMatchObject({
    status: 'active',
    size: bytes.length,
    virtual_size: bytes.length,
    checksum: createHash('md5').update(bytes).digest('hex'),
    os_hash_algo: 'sha512',
    os_hash_value: createHash('sha512').update(bytes).digest('hex'),
    stores: 'main',
  })
  const download = await get(id)
  expect(download.status).toBe(200)
  expect(download.headers.get('content-md5')).toBe(createHash('md5').update(bytes).digest('hex'))
  expect(download.headers.get('content-length')).toBe(String(bytes.length))
  expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true)
})

test('an upload without a length works, into the store that was chosen', async () => {
  const id = await glance.image('alpha')
  const response = await put(id, chunked([bytes.subarray(0, 100), bytes.subarray(100, 70_000)]), {
    'x-image-meta-store': 'spare',
  })
  expect(response.status).toBe(204)
  expect(await show(id)).toMatchObject({ size: 70_000, stores: 'spare' })
  expect(await glance.stores.spare.files()).toContain(id)
})

test.each([
  ['bytes=0-9', 206, [0, 9]],
  ['bytes=100-', 206, [100, 999]],
  ['bytes=-10', 206, [990, 999]],
  ['bytes=-5000', 206, [0, 999]],
  ['bytes=990-5000', 206, [990, 999]],
  ['bytes=1000-', 416, null],
  ['bytes=9-3', 416, null],
  ['bytes=', 416, null],
  ['lines=1-2', 416, null],
  ['bytes=0-1,3-4', 400, null],
])('the range %s is answered %i', async (range, status, part) => {
  const content = bytes.subarray(0, 1000)
  const id = await glance.image('alpha')
  await put(id, content)
  const response = await get(id, { range })
  expect(response.status).toBe(status)
  if (!part) return
  const [from, to] = part as [number, number]
  expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to}/1000`)
  expect(Buffer.from(await response.arrayBuffer()).equals(content.subarray(from, to + 1))).toBe(true)
  const legacy = await get(id, { 'content-range': `bytes ${from}-${to}/*` })
  expect(legacy.headers.get('content-range')).toBe(`bytes ${from}-${to}/1000`)
})

test('an image of no bytes is an image', async () => {
  for (const body of [Buffer.alloc(0), chunked([])]) {
    const id = await glance.image('alpha')
    expect((await put(id, body)).status).toBe(204)
    expect(await show(id)).toMatchObject({ status: 'active', size: 0, checksum: 'd41d8cd98f00b204e9800998ecf8427e' })
    const download = await get(id)
    expect([download.status, (await download.arrayBuffer()).byteLength]).toEqual([200, 0])
  }
})

test('uploading twice, without formats, as plain text, or to an unknown store is refused', async () => {
  const id = await glance.image('alpha')
  expect((await put(id, 'x', { 'content-type': 'text/plain' })).status).toBe(415)
  expect((await put(id, 'x', { 'x-image-meta-store': 'moon' })).status).toBe(400)
  expect((await put(id, 'x')).status).toBe(204)
  expect((await put(id, 'x')).status).toBe(409)
  const bare = await glance.image('alpha', { disk_format: null })
  expect((await put(bare, 'x')).status).toBe(400)
  expect((await show(bare)).status).toBe('queued')
})

test('fewer or more bytes than declared: 400, queued again, nothing left, and a second try works', async () => {
  const id = await glance.image('alpha')
  const fewer = await put(id, chunked([bytes.subarray(0, 1000)]), { 'x-openstack-image-size': '2000' })
  expect(fewer.status).toBe(400)
  await queuedAndGone(id)
  const more = await put(id, chunked([bytes.subarray(0, 1000)]), { 'x-openstack-image-size': '500' })
  expect(more.status).toBe(400)
  await queuedAndGone(id)
  expect((await put(id, bytes.subarray(0, 1000), { 'x-openstack-image-size': '1000' })).status).toBe(204)
})

test('a client that goes away half-way leaves the image queued and nothing behind', async () => {
  const id = await glance.image('alpha')
  await put(id, chunked([bytes.subarray(0, 300_000)], true)).catch(() => undefined)
  await expect.poll(async () => (await show(id)).status, { timeout: 5000 }).toBe('queued')
  await queuedAndGone(id)
  const second = await glance.image('alpha')
  const { hostname, port } = new URL(glance.url)
  const socket = connect(Number(port), hostname)
  const head = `PUT /v2/images/${second}/file HTTP/1.1\r\nhost: x\r\nx-auth-token: alpha\r\ncontent-type: application/octet-stream\r\ncontent-length: 5000\r\n\r\n`
  socket.write(head + 'a'.repeat(1000))
  await expect.poll(async () => (await show(second)).status).toBe('saving')
  socket.destroy()
  await expect.poll(async () => (await show(second)).status, { timeout: 5000 }).toBe('queued')
  await queuedAndGone(second)
})

test('a full store and an image beyond the size cap are 413, the image queued again and nothing left', async () => {
  glance.stores.main.capacity = 1_000_000
  const id = await glance.image('alpha')
  const full = await put(id, bytes)
  expect(full.status).toBe(413)
  expect(await full.text()).toContain('full')
  await queuedAndGone(id)
  glance.stores.main.capacity = Number.POSITIVE_INFINITY
  expect((await put(id, bytes.subarray(0, 10), { 'x-openstack-image-size': '20000001' })).status).toBe(413)
  expect((await put(id, chunked(Array.from({ length: 5 }, () => bytes)))).status).toBe(413)
  await queuedAndGone(id)
  expect((await put(id, bytes)).status).toBe(204)
})

test('content that is not what it claims, or not safe, is 415 and leaves nothing', async () => {
  const at = (name: string) => join(glance.folder, name)
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at('good.qcow2'), '64M'])
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', at('good.qcow2'), '-F', 'qcow2', at('bad.qcow2')])
  const good = readFileSync(at('good.qcow2'))
  const bad = readFileSync(at('bad.qcow2'))
  const qcow2 = await glance.image('alpha', { disk_format: 'qcow2' })
  for (const content of [bytes.subarray(0, 1000), bad]) {
    const response = await put(qcow2, content)
    expect(response.status).toBe(415)
    await queuedAndGone(qcow2)
  }
  const raw = await glance.image('alpha')
  expect((await put(raw, bad)).status).toBe(415)
  await queuedAndGone(raw)
  expect((await put(raw, good)).status).toBe(204)
  expect((await put(qcow2, good)).status).toBe(204)
  expect(await show(qcow2)).toMatchObject({ status: 'active', virtual_size: 64 * 1024 * 1024, size: good.length })
  const ovf = await glance.image('alpha', { disk_format: 'vmdk', container_format: 'ovf' })
  expect((await put(ovf, 'anything')).status).toBe(204)
  expect(await show(ovf)).toMatchObject({ virtual_size: null })
})

test('an image deleted while it is uploaded is gone with its bytes: 410', async () => {
  const id = await glance.image('alpha')
  let finish = () => {}
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, 200_000))
      finish = () => controller.close()
    },
  })
  const upload = put(id, body)
  await expect.poll(() => glance.stores.main.files()).toContain(id)
  expect((await glance.call('alpha', 'DELETE', `/v2/images/${id}`)).status).toBe(204)
  finish()
  expect((await upload).status).toBe(410)
  expect(await glance.stores.main.files()).not.toContain(id)
})

test('of two uploads at once one wins and the other is told 409', async () => {
  const id = await glance.image('alpha')
  const results = await Promise.all([put(id, bytes), put(id, bytes)])
  expect(results.map((response) => response.status).sort()).toEqual([204, 409])
  expect(await show(id)).toMatchObject({ status: 'active', size: bytes.length })
})

test('deleting removes the bytes; when a store still needs them the image stays: 409', async () => {
  const id = await glance.image('alpha')
  await put(id, 'x')
  glance.stores.main.refuse = 'busy'
  expect((await glance.call('alpha', 'DELETE', `/v2/images/${id}`)).status).toBe(409)
  expect(await show(id)).toMatchObject({ status: 'active', stores: 'main' })
  glance.stores.main.refuse = 'unavailable'
  expect((await glance.call('alpha', 'DELETE', `/v2/images/${id}`)).status).toBe(204)
  expect((await get(id)).status).toBe(404)
  expect(await glance.stores.main.files()).toContain(id)
  glance.stores.main.refuse = null
  await glance.restart()
  expect(await glance.stores.main.files()).not.toContain(id)
})

test('a deactivated image is for admins only until it is active again', async () => {
  const id = await glance.image('alpha')
  const act = async (what: string) => (await glance.call('alpha', 'POST', `/v2/images/${id}/actions/${what}`)).status
  expect(await act('deactivate')).toBe(403)
  await put(id, 'secret')
  expect([await act('deactivate'), await act('deactivate')]).toEqual([204, 204])
  expect((await get(id)).status).toBe(403)
  expect((await get(id, {}, 'zeta+admin')).status).toBe(200)
  expect(await act('reactivate')).toBe(204)
  expect(await (await get(id)).text()).toBe('secret')
})

test('after a crash a transfer is taken back and a deletion finished', async () => {
  const { database, stores } = glance
  const id = await glance.image('alpha')
  const dying = await glance.image('alpha')
  await put(dying, 'x')
  await database
    .query('images')
    .where({ id })
    .update({ status: 'saving', worker: 'tests', worker_store: 'main', worker_seen_at: 0 })
  await database.query('images').where({ id: dying }).update({ status: 'pending_delete' })
  const { Readable } = await import('node:stream')
  await stores.main.add(id, Readable.from([Buffer.from('half')]), null)
  await glance.restart()
  await queuedAndGone(id)
  expect((await glance.call('alpha', 'GET', `/v2/images/${dying}`)).status).toBe(404)
  expect(await stores.main.files()).not.toContain(dying)
  expect((await put(id, 'whole')).status).toBe(204)
})

test('a store that cannot be reached at the start is asked again until the transfer is taken back', async () => {
  const { database, stores } = glance
  const id = await glance.image('alpha')
  await database.query('images').where({ id }).update({ status: 'saving', worker: 'tests', worker_store: 'main' })
  stores.main.refuse = 'unavailable'
  await glance.restart()
  expect(await show(id)).toMatchObject({ status: 'saving' })
  stores.main.refuse = null
  await expect.poll(async () => (await show(id)).status, { timeout: 8000 }).toBe('queued')
  expect((await put(id, 'x')).status).toBe(204)
})

test('bytes missing from every store are 204', async () => {
  const id = await glance.image('alpha')
  await put(id, 'x')
  await glance.stores.main.purge(id)
  expect((await get(id)).status).toBe(204)
})

test.each(['raw', 'qcow2', 'vmdk', 'iso'])(
  'an empty upload under the format %s is accepted, as Nova sends for a volume-backed server',
  async (disk_format) => {
    const id = await glance.image('alpha', { disk_format })
    expect((await put(id, Buffer.alloc(0))).status).toBe(204)
    expect(await show(id)).toMatchObject({ status: 'active', size: 0 })
  },
)
