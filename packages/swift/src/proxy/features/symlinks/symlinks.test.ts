import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
  await cloud.call('PUT', '/c')
  await cloud.call('PUT', '/c/target', { body: 'data', headers: { 'x-object-meta-a': '1' } })
})
afterAll(() => cloud.close())

const md5 = createHash('md5').update('data').digest('hex')
const putLink = (name: string, target: string, headers = {}) =>
  cloud.call('PUT', `/c/${name}`, { headers: { 'x-symlink-target': target, ...headers } })

test('a link reads as its target and says where that is', async () => {
  expect((await putLink('link', 'c/target')).status).toBe(201)
  const get = await cloud.call('GET', '/c/link')
  expect([await get.text(), get.headers.get('x-object-meta-a')]).toEqual(['data', '1'])
  expect(get.headers.get('content-location')).toBe('/v1/AUTH_ann-project/c/target')
  const own = await cloud.call('HEAD', '/c/link?symlink=get')
  expect([own.headers.get('x-symlink-target'), own.headers.get('content-length')]).toEqual(['c/target', '0'])
  expect(own.headers.get('content-type')).toBe('application/symlink')
  const [line] = (await (await cloud.call('GET', '/c?format=json&prefix=link')).json()) as Record<string, unknown>[]
  expect(line).toMatchObject({ symlink_path: '/v1/AUTH_ann-project/c/target', bytes: 0 })
})

test('metadata posted to a link stays on the link, and the client is sent to the target', async () => {
  await putLink('posted', 'c/target')
  const post = await cloud.call('POST', '/c/posted', { headers: { 'x-object-meta-b': '2' } })
  expect([post.status, post.headers.get('location')]).toEqual([307, '/v1/AUTH_ann-project/c/target'])
  expect((await cloud.call('HEAD', '/c/posted?symlink=get')).headers.get('x-object-meta-b')).toBe('2')
  expect((await cloud.call('HEAD', '/c/posted')).headers.get('x-object-meta-b')).toBeNull()
})

test('a static link holds to the state of its target', async () => {
  expect((await putLink('wrong', 'c/target', { 'x-symlink-target-etag': 'other' })).status).toBe(409)
  expect((await putLink('wrong', 'c/none', { 'x-symlink-target-etag': md5 })).status).toBe(409)
  await cloud.call('PUT', '/c/moving', { body: 'data' })
  expect((await putLink('static', 'c/moving', { 'x-symlink-target-etag': md5 })).status).toBe(201)
  expect((await cloud.call('GET', '/c/static')).status).toBe(200)
  await cloud.call('PUT', '/c/moving', { body: 'other' })
  expect((await cloud.call('GET', '/c/static')).status).toBe(409)
})

test('loops, bodies and bad targets are refused', async () => {
  expect((await putLink('self', 'c/self')).status).toBe(400)
  expect((await putLink('bad', 'nowhere')).status).toBe(412)
  const full = await cloud.call('PUT', '/c/full', { body: 'x', headers: { 'x-symlink-target': 'c/target' } })
  expect(full.status).toBe(400)
  await putLink('one', 'c/two')
  await putLink('two', 'c/one')
  expect((await cloud.call('GET', '/c/one')).status).toBe(409)
  await putLink('dangling', 'c/none')
  expect((await cloud.call('GET', '/c/dangling')).status).toBe(404)
})

test('a copy of a link is its data, or the link itself when asked for', async () => {
  await putLink('link2', 'c/target')
  await cloud.call('COPY', '/c/link2', { headers: { destination: 'c/flat' } })
  expect((await cloud.call('HEAD', '/c/flat?symlink=get')).headers.get('content-length')).toBe('4')
  await cloud.call('COPY', '/c/link2?symlink=get', { headers: { destination: 'c/again' } })
  expect((await cloud.call('HEAD', '/c/again?symlink=get')).headers.get('x-symlink-target')).toBe('c/target')
})
