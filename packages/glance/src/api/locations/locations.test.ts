import { createHash, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForTests, type TestService } from '../../start-for-tests.ts'

const bytes = randomBytes(600_000)
const sha512 = createHash('sha512').update(bytes).digest('hex')
let glance: TestService
let web: Server
let url = ''
beforeAll(async () => {
  web = createServer((request, response) => {
    if (request.url?.startsWith('/image')) response.end(bytes)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  const { port } = web.address() as AddressInfo
  url = `http://127.0.0.1:${port}/image`
  const limits = {
    showMultipleLocations: true,
    webLocations: true,
    uriFilter: { allowedPorts: [port], allowedNetworks: ['127.0.0.0/8'] },
  }
  glance = await startForTests({ limits })
})
afterAll(async () => {
  await glance.close()
  web.close()
})

const show = (id: string) => glance.json('alpha', 'GET', `/v2/images/${id}`)
const patch = (id: string, changes: object[]) =>
  glance.call('alpha', 'PATCH', `/v2/images/${id}`, Buffer.from(JSON.stringify(changes)), {
    'content-type': 'application/openstack-images-v2.1-json-patch',
  })
const add = (id: string, value: object, at = '-') => patch(id, [{ op: 'add', path: `/locations/${at}`, value }])
const post = (id: string, body: object, token = 'alpha') =>
  glance.call(token, 'POST', `/v2/images/${id}/locations`, body)

test('a first location makes a queued image active, and its bytes can be read', async () => {
  const id = await glance.image('alpha')
  expect((await add(id, { url, metadata: { foo: 'bar' } })).status).toBe(200)
  expect(await show(id)).toMatchObject({ status: 'active', locations: [{ url, metadata: { foo: 'bar' } }] })
  const download = await glance.call('alpha', 'GET', `/v2/images/${id}/file`)
  expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true)
})

test('locations are added, reordered by place, described anew and removed, but never the last one', async () => {
  const id = await glance.image('alpha')
  await add(id, { url, metadata: {} })
  expect((await add(id, { url: `${url}#2`, metadata: {} })).status).toBe(200)
  expect((await add(id, { url, metadata: {} })).status).toBe(400)
  const described = [
    { url, metadata: { a: 1 } },
    { url: `${url}#2`, metadata: {} },
  ]
  expect((await patch(id, [{ op: 'replace', path: '/locations', value: described }])).status).toBe(200)
  expect((await show(id)).locations).toEqual(described)
  expect((await patch(id, [{ op: 'replace', path: '/locations', value: described.slice(1) }])).status).toBe(400)
  expect((await patch(id, [{ op: 'replace', path: '/locations', value: [] }])).status).toBe(403)
  expect((await patch(id, [{ op: 'remove', path: '/locations/7' }])).status).toBe(400)
  expect((await patch(id, [{ op: 'remove', path: '/locations/0' }])).status).toBe(200)
  expect((await patch(id, [{ op: 'remove', path: '/locations/0' }])).status).toBe(403)
})

test.each([
  'file:///etc/passwd',
  'filesystem:///x',
  'swift+config://a/b/c',
  'swift+hearth://glance/x?size=1&segment=0',
  'gopher://x',
])('the address %s is no location for users', async (address) => {
  const id = await glance.image('alpha')
  expect((await add(id, { url: address, metadata: {} })).status).toBe(400)
  expect((await post(id, { url: address })).status).toBe(400)
  expect((await show(id)).status).toBe('queued')
})

test('hashes given with a location stand, and later ones must be the same', async () => {
  const id = await glance.image('alpha')
  const data = { checksum: '1'.repeat(32), os_hash_algo: 'sha512', os_hash_value: 'ab'.repeat(64) }
  expect((await add(id, { url, metadata: {}, validation_data: data })).status).toBe(200)
  expect(await show(id)).toMatchObject({ checksum: data.checksum, os_hash_value: data.os_hash_value })
  const other = { ...data, checksum: '2'.repeat(32) }
  expect((await add(id, { url: `${url}#2`, metadata: {}, validation_data: other })).status).toBe(409)
  expect((await add(id, { url: `${url}#2`, metadata: {}, validation_data: data })).status).toBe(200)
})

const slow = { timeout: 20_000 }

test('a registered location is hashed afterwards; a wrong hash takes it back', async () => {
  const plain = await glance.image('alpha')
  expect((await post(plain, { url })).status).toBe(202)
  await expect.poll(async () => (await show(plain)).os_hash_value, slow).toBe(sha512)
  expect(await show(plain)).toMatchObject({ status: 'active', size: bytes.length })
  expect((await post(plain, { url })).status).toBe(409)
  const right = await glance.image('alpha')
  await post(right, { url, validation_data: { os_hash_algo: 'sha512', os_hash_value: sha512 } })
  await expect.poll(async () => (await show(right)).status, slow).toBe('active')
  const wrong = await glance.image('alpha')
  await post(wrong, { url, validation_data: { os_hash_algo: 'sha512', os_hash_value: 'ab'.repeat(64) } })
  await expect.poll(async () => (await show(wrong)).status, slow).toBe('queued')
  expect(await show(wrong)).toMatchObject({ locations: [], os_hash_value: null })
})

test('services read where an image lies; users do not', async () => {
  const id = await glance.image('alpha', { visibility: 'community' })
  await glance.call('alpha', 'PUT', `/v2/images/${id}/file`, 'x')
  expect((await glance.call('alpha', 'GET', `/v2/images/${id}/locations`)).status).toBe(403)
  const response = await glance.call('svc+service+member+reader', 'GET', `/v2/images/${id}/locations`)
  expect(await response.json()).toEqual([{ url: `folder://${id}`, metadata: { store: 'main' } }])
})

test('a user cannot say that a location is of a store', async () => {
  const id = await glance.image('alpha')
  await add(id, { url, metadata: { store: 'main', foo: 'bar' } })
  expect((await show(id)).locations).toEqual([{ url, metadata: { foo: 'bar' } }])
})

test('one of two copies can be deleted by an admin, the last one not', async () => {
  const id = await glance.image('alpha')
  await glance.call('alpha', 'PUT', `/v2/images/${id}/file`, 'x')
  const remove = async (store: string, token = 'alpha+admin') =>
    (await glance.call(token, 'DELETE', `/v2/stores/${store}/${id}`)).status
  expect(await remove('main')).toBe(403)
  await glance.call('alpha', 'POST', `/v2/images/${id}/import`, { method: { name: 'copy-image' }, stores: ['spare'] })
  await expect.poll(async () => (await show(id)).stores).toBe('main,spare')
  expect(await remove('main', 'alpha')).toBe(403)
  expect(await remove('moon')).toBe(409)
  expect(await remove('main')).toBe(204)
  expect(await remove('main')).toBe(404)
  expect(await glance.stores.main.files()).not.toContain(id)
  expect(await (await glance.call('alpha', 'GET', `/v2/images/${id}/file`)).text()).toBe('x')
})
