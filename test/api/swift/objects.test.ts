import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { freshClient, until } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin } = suite()
const client = await freshClient(urls, admin)
const md5 = (bytes: Uint8Array | string): string => createHash('md5').update(bytes).digest('hex')
const container = `/photos-${Date.now()}`
await client.must('object', 'PUT', container)

test('an object comes back as it was put, with its metadata', async () => {
  const bytes = randomBytes(300_000)
  const headers = { 'content-type': 'image/png', 'x-object-meta-place': 'sea' }
  const put = await client.call('object', 'PUT', `${container}/beach.png`, { body: bytes, headers })
  expect(put.status).toBe(201)
  expect(put.headers.get('etag')).toBe(md5(bytes))
  const got = await client.must('object', 'GET', `${container}/beach.png`)
  expect(md5(got.bytes)).toBe(md5(bytes))
  expect(got.headers.get('x-object-meta-place')).toBe('sea')
  expect(got.headers.get('content-type')).toBe('image/png')
  expect(got.headers.get('x-trans-id')).toMatch(/^tx[0-9a-f]{21}-[0-9a-f]{10}/)
})

test('ranges and conditions are honoured', async () => {
  const put = await client.must('object', 'PUT', `${container}/digits`, { body: '0123456789' })
  const get = (headers: Record<string, string>) => client.call('object', 'GET', `${container}/digits`, { headers })
  const part = await get({ range: 'bytes=2-4' })
  expect([part.status, part.body, part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
  expect((await get({ range: 'bytes=-3' })).body).toBe('789')
  expect((await get({ range: 'bytes=20-30' })).status).toBe(416)
  expect((await get({ 'if-none-match': put.headers.get('etag')! })).status).toBe(304)
  expect((await get({ 'if-match': 'other' })).status).toBe(412)
})

test('a PUT whose digest does not match leaves nothing', async () => {
  const answer = await client.call('object', 'PUT', `${container}/broken`, {
    body: 'abc',
    headers: { etag: md5('xyz') },
  })
  expect(answer.status).toBe(422)
  expect((await client.call('object', 'GET', `${container}/broken`)).status).toBe(404)
})

test('listings follow prefix, delimiter, marker, limit and direction, in three formats', async () => {
  const box = `/tree-${Date.now()}`
  await client.must('object', 'PUT', box)
  for (const name of ['a', 'b/1', 'b/2', 'c']) await client.must('object', 'PUT', `${box}/${name}`, { body: name })
  const names = async (query: string) => (await client.must('object', 'GET', `${box}?${query}`)).body.trim().split('\n')
  expect(await names('')).toEqual(['a', 'b/1', 'b/2', 'c'])
  expect(await names('prefix=b/')).toEqual(['b/1', 'b/2'])
  expect(await names('delimiter=/')).toEqual(['a', 'b/', 'c'])
  expect(await names('marker=a&limit=2')).toEqual(['b/1', 'b/2'])
  expect(await names('reverse=true')).toEqual(['c', 'b/2', 'b/1', 'a'])
  const json = (await client.must('object', 'GET', `${box}?format=json&delimiter=/`)).body
  expect(json).toEqual([
    expect.objectContaining({ name: 'a', bytes: 1, hash: md5('a'), content_type: expect.any(String) }),
    { subdir: 'b/' },
    expect.objectContaining({ name: 'c' }),
  ])
  expect((await client.must('object', 'GET', `${box}?format=xml`)).body).toContain('<name>b/1</name>')
  const head = await client.must('object', 'HEAD', box)
  expect(head.headers.get('x-container-object-count')).toBe('4')
  expect((await client.call('object', 'DELETE', box)).status).toBe(409)
})

test('metadata is replaced by a POST on an object and merged on a container', async () => {
  const path = `${container}/noted`
  await client.must('object', 'PUT', path, { body: 'x', headers: { 'x-object-meta-a': '1' } })
  expect((await client.call('object', 'POST', path, { headers: { 'x-object-meta-b': '2' } })).status).toBe(202)
  const head = await client.must('object', 'HEAD', path)
  expect([head.headers.get('x-object-meta-a'), head.headers.get('x-object-meta-b')]).toEqual([null, '2'])
  await client.must('object', 'POST', container, { headers: { 'x-container-meta-a': '1' } })
  await client.must('object', 'POST', container, { headers: { 'x-container-meta-b': '2' } })
  const box = await client.must('object', 'HEAD', container)
  expect([box.headers.get('x-container-meta-a'), box.headers.get('x-container-meta-b')]).toEqual(['1', '2'])
})

test('an object with an expiry is gone after it, from the listing too', async () => {
  const path = `${container}/brief`
  await client.must('object', 'PUT', path, { body: 'x', headers: { 'x-delete-after': '3' } })
  expect((await client.must('object', 'HEAD', path)).headers.get('x-delete-at')).toMatch(/^\d+$/)
  await until(
    () => client.call('object', 'GET', path),
    (answer) => answer.status === 404,
    20,
  )
  const listed = async () => (await client.must('object', 'GET', `${container}?prefix=brief`)).body
  await until(listed, (text) => text === '', 30)
})

test('another project is refused, nobody at all is asked to log in', async () => {
  expect((await fetch(`${urls.object}/v1/AUTH_${client.projectId}${container}`)).status).toBe(401)
  const foreign = await fetch(`${urls.object}/v1/AUTH_0123456789abcdef${container}`, {
    headers: { 'x-auth-token': client.token },
  })
  expect(foreign.status).toBe(403)
})

test('an object is deleted once, and not there the second time', async () => {
  await client.must('object', 'PUT', `${container}/gone`, { body: 'x' })
  expect((await client.call('object', 'DELETE', `${container}/gone`)).status).toBe(204)
  expect((await client.call('object', 'DELETE', `${container}/gone`)).status).toBe(404)
})
