import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
})
afterAll(() => cloud.close())

const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex')

test('an object is put, read, described and deleted', async () => {
  expect((await cloud.call('PUT', '/basic')).status).toBe(201)
  expect((await cloud.call('PUT', '/basic')).status).toBe(202)
  const put = await cloud.call('PUT', '/basic/a/b c', {
    body: 'hello',
    headers: { 'content-type': 'text/x-test', 'x-object-meta-color': Buffer.from('grün').toString('latin1') },
  })
  expect(put.status).toBe(201)
  expect(put.headers.get('etag')).toBe(md5('hello'))
  expect(put.headers.get('x-trans-id')).toMatch(/^tx[0-9a-f]{21}-[0-9a-f]{10}$/)
  const get = await cloud.call('GET', '/basic/a/b c')
  expect(await get.text()).toBe('hello')
  expect(get.headers.get('content-type')).toBe('text/x-test')
  expect(Buffer.from(get.headers.get('x-object-meta-color')!, 'latin1').toString()).toBe('grün')
  expect(get.headers.get('x-timestamp')).toMatch(/^\d{10}\.\d{5}$/)
  const head = await cloud.call('HEAD', '/basic/a/b c')
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '5'])
  expect((await cloud.call('DELETE', '/basic')).status).toBe(409)
  expect((await cloud.call('DELETE', '/basic/a/b c')).status).toBe(204)
  expect((await cloud.call('DELETE', '/basic/a/b c')).status).toBe(404)
  expect((await cloud.call('GET', '/basic/a/b c')).status).toBe(404)
  expect((await cloud.call('DELETE', '/basic')).status).toBe(204)
  expect((await cloud.call('HEAD', '/basic')).status).toBe(404)
})

test('a large body comes back byte for byte from body files, whole and in ranges', async () => {
  await cloud.call('PUT', '/large')
  const data = randomBytes(5 * 1024 * 1024 + 17)
  const put = await cloud.call('PUT', '/large/blob', { body: data })
  expect([put.status, put.headers.get('etag')]).toEqual([201, md5(data)])
  expect(md5(Buffer.from(await (await cloud.call('GET', '/large/blob')).arrayBuffer()))).toBe(md5(data))
  const range = await cloud.call('GET', '/large/blob', { headers: { range: 'bytes=1048570-3145740' } })
  expect([range.status, range.headers.get('content-range')]).toEqual([206, `bytes 1048570-3145740/${data.length}`])
  expect(Buffer.from(await range.arrayBuffer()).equals(data.subarray(1048570, 3145741))).toBe(true)
})

test('a chunked upload is stored whole', async () => {
  await cloud.call('PUT', '/chunked')
  const parts = [randomBytes(70_000), randomBytes(1), randomBytes(2_000_000)]
  const body = new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part)
      controller.close()
    },
  })
  const put = await cloud.call('PUT', '/chunked/o', { body })
  expect([put.status, put.headers.get('etag')]).toEqual([201, md5(Buffer.concat(parts))])
})

test('a wrong etag is refused with 422 and nothing is kept', async () => {
  await cloud.call('PUT', '/etag')
  for (const size of [10, 100_000]) {
    const put = await cloud.call('PUT', '/etag/o', { body: randomBytes(size), headers: { etag: md5('other') } })
    expect(put.status).toBe(422)
  }
  expect((await cloud.call('GET', '/etag/o')).status).toBe(404)
  expect((await cloud.call('GET', '/etag')).status).toBe(204)
})

test('listings page by marker, fold at the delimiter and come in three formats', async () => {
  await cloud.call('PUT', '/list')
  for (const name of ['a', 'dir/one', 'dir/sub/two', 'dir2/x', 'z&<>"'])
    await cloud.call('PUT', `/list/${encodeURIComponent(name)}`, { body: name })
  const lines = async (query: string) =>
    (await (await cloud.call('GET', `/list?${query}`)).text()).split('\n').slice(0, -1)
  expect(await lines('')).toEqual(['a', 'dir/one', 'dir/sub/two', 'dir2/x', 'z&<>"'])
  expect(await lines('limit=2')).toEqual(['a', 'dir/one'])
  expect(await lines('limit=2&marker=dir/one')).toEqual(['dir/sub/two', 'dir2/x'])
  expect(await lines('delimiter=/')).toEqual(['a', 'dir/', 'dir2/', 'z&<>"'])
  expect(await lines('delimiter=/&marker=dir/')).toEqual(['dir2/', 'z&<>"'])
  expect(await lines('prefix=dir/&delimiter=/')).toEqual(['dir/one', 'dir/sub/'])
  expect(await lines('path=dir')).toEqual(['dir/one'])
  expect(await lines('end_marker=dir2')).toEqual(['a', 'dir/one', 'dir/sub/two'])
  expect(await lines('reverse=true&limit=2')).toEqual(['z&<>"', 'dir2/x'])
  expect(await lines('reverse=on&delimiter=/')).toEqual(['z&<>"', 'dir2/', 'dir/', 'a'])
  const json = await (await cloud.call('GET', '/list?format=json&prefix=a')).json()
  expect(json).toEqual([
    {
      name: 'a',
      hash: md5('a'),
      bytes: 1,
      content_type: 'text/plain;charset=UTF-8',
      last_modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
    },
  ])
  const xml = await (await cloud.call('GET', '/list?format=xml&delimiter=/')).text()
  expect(xml).toContain('<subdir name="dir/"><name>dir/</name></subdir>')
  expect(xml).toContain('<name>z&amp;&lt;&gt;&quot;</name>')
  expect((await cloud.call('GET', '/list?limit=10001')).status).toBe(412)
  expect((await cloud.call('GET', '/list', { headers: { accept: 'image/png' } })).status).toBe(406)
  const head = await cloud.call('HEAD', '/list')
  expect([head.headers.get('x-container-object-count'), head.headers.get('x-container-bytes-used')]).toEqual([
    '5',
    '30',
  ])
})

test('the account counts containers, objects and bytes at once', async () => {
  const options = { user: 'counter' }
  expect((await cloud.call('HEAD', '', options)).headers.get('x-account-container-count')).toBe('0')
  await cloud.call('PUT', '/one', options)
  await cloud.call('PUT', '/two', options)
  await cloud.call('PUT', '/two/o', { ...options, body: '12345' })
  const head = await cloud.call('HEAD', '', options)
  const numbers = ['container-count', 'object-count', 'bytes-used', 'storage-policy-policy-0-bytes-used']
  expect(numbers.map((name) => head.headers.get(`x-account-${name}`))).toEqual(['2', '1', '5', '5'])
  expect(await (await cloud.call('GET', '?format=json', options)).json()).toMatchObject([
    { name: 'one', count: 0, bytes: 0 },
    { name: 'two', count: 1, bytes: 5 },
  ])
  await cloud.call('DELETE', '/one', options)
  expect(await (await cloud.call('GET', '', options)).text()).toBe('two\n')
})

test('metadata of accounts and containers is merged, of objects replaced', async () => {
  const named = (response: Response) => [...response.headers].filter(([name]) => name.includes('-meta-'))
  await cloud.call('POST', '', { headers: { 'x-account-meta-a': '1', 'x-account-meta-b': '2' } })
  await cloud.call('POST', '', { headers: { 'x-account-meta-a': '', 'x-account-meta-c': '3' } })
  expect(named(await cloud.call('HEAD', ''))).toEqual([
    ['x-account-meta-b', '2'],
    ['x-account-meta-c', '3'],
  ])
  await cloud.call('PUT', '/meta', { headers: { 'x-container-meta-a_b': '1', 'x-container-meta-c': '2' } })
  await cloud.call('POST', '/meta', { headers: { 'x-remove-container-meta-c': 'x' } })
  expect(named(await cloud.call('HEAD', '/meta'))).toEqual([['x-container-meta-a-b', '1']])
  await cloud.call('PUT', '/meta/o', { body: 'x', headers: { 'x-object-meta-a': '1', 'content-type': 'a/b' } })
  expect((await cloud.call('POST', '/meta/o', { headers: { 'x-object-meta-b': '' } })).status).toBe(202)
  const head = await cloud.call('HEAD', '/meta/o')
  expect(named(head)).toEqual([['x-object-meta-b', '']])
  expect(head.headers.get('content-type')).toBe('a/b')
  expect((await cloud.call('POST', '/meta/none')).status).toBe(404)
})

test('metadata beyond the limits is refused in Swift’s words', async () => {
  const refused = async (headers: Record<string, string>) => {
    const response = await cloud.call('PUT', '/limits', { headers })
    return [response.status, await response.text()]
  }
  expect(await refused({ [`x-container-meta-${'n'.repeat(129)}`]: '1' })).toEqual([
    400,
    `Metadata name too long: x-container-meta-${'n'.repeat(129)}`,
  ])
  expect(await refused({ 'x-container-meta-a': 'v'.repeat(257) })).toEqual([
    400,
    'Metadata value longer than 256: x-container-meta-a',
  ])
  const many = Object.fromEntries(Array.from({ length: 91 }, (_, index) => [`x-container-meta-${index}`, 'v']))
  expect(await refused(many)).toEqual([400, 'Too many metadata items; max 90'])
  expect((await cloud.call('PUT', `/${'c'.repeat(257)}`)).status).toBe(400)
  await cloud.call('PUT', '/limits')
  expect((await cloud.call('PUT', `/limits/${'o'.repeat(1025)}`, { body: '' })).status).toBe(400)
  expect((await cloud.call('PUT', '/limits/%ff', { body: '' })).status).toBe(412)
  expect((await cloud.call('PUT', '/limits/%00', { body: '' })).status).toBe(412)
})

test('conditions and odd ranges are answered as Swift does', async () => {
  await cloud.call('PUT', '/cond')
  await cloud.call('PUT', '/cond/o', { body: '0123456789' })
  await cloud.call('PUT', '/cond/empty', { body: '' })
  const get = async (headers: Record<string, string>, path = '/cond/o') => {
    const response = await cloud.call('GET', path, { headers })
    return [response.status, await response.text()]
  }
  expect(await get({ 'if-none-match': `"${md5('0123456789')}"` })).toEqual([304, ''])
  expect((await get({ 'if-match': 'other' }))[0]).toBe(412)
  expect((await get({ 'if-match': '*' }, '/cond/none'))[0]).toBe(412)
  expect((await get({ 'if-modified-since': new Date(Date.now() + 5000).toUTCString() }))[0]).toBe(304)
  expect((await get({ 'if-unmodified-since': new Date(0).toUTCString() }))[0]).toBe(412)
  expect(await get({ range: 'bytes=2-4' })).toEqual([206, '234'])
  expect(await get({ range: 'bytes=-3' })).toEqual([206, '789'])
  expect(await get({ range: 'bytes=8-100' })).toEqual([206, '89'])
  expect(await get({ range: 'bytes=5-2' })).toEqual([200, '0123456789'])
  expect((await get({ range: 'bytes=10-' }))[0]).toBe(416)
  expect((await get({ range: 'bytes=0-' }, '/cond/empty'))[0]).toBe(416)
  expect(await get({ range: 'bytes=-5' }, '/cond/empty')).toEqual([200, ''])
  const [status, parts] = await get({ range: 'bytes=0-1,5-6' })
  expect(status).toBe(206)
  expect(parts).toMatch(
    /^--(\w+)\r\nContent-Type: .*\r\nContent-Range: bytes 0-1\/10\r\n\r\n01\r\n--\1\r\n.*\r\nContent-Range: bytes 5-6\/10\r\n\r\n56\r\n--\1--$/,
  )
  expect((await cloud.call('PUT', '/cond/o', { body: 'x', headers: { 'if-none-match': '*' } })).status).toBe(412)
})

test('only the owner, the access list and reseller administrators get in', async () => {
  await cloud.call('PUT', '/acl')
  await cloud.call('PUT', '/acl/o', { body: 'x' })
  const status = async (method: string, path: string, user: string | null, headers = {}) =>
    (await cloud.call(method, path, { user, account: 'AUTH_ann-project', headers })).status
  expect(await status('GET', '/acl/o', null)).toBe(401)
  expect(await status('GET', '/acl/o', 'nobody')).toBe(401)
  expect(await status('GET', '/acl/o', 'bob')).toBe(403)
  expect(await status('GET', '/acl/o', 'ann:reader')).toBe(403)
  expect(await status('GET', '/acl/o', 'eve:ResellerAdmin')).toBe(200)
  await cloud.call('POST', '/acl', {
    headers: { 'x-container-read': 'bob-project:bob-id', 'x-container-write': '*:bob' },
  })
  expect(await status('GET', '/acl/o', 'bob')).toBe(200)
  expect(await status('PUT', '/acl/o2', 'bob')).toBe(201)
  expect(await status('PUT', '/acl/o2', 'carl')).toBe(403)
  expect(await status('POST', '/acl', 'bob')).toBe(403)
  await cloud.call('POST', '/acl', { headers: { 'x-container-read': '.referrer : *, .rlistings' } })
  expect(await status('GET', '/acl/o', null)).toBe(200)
  expect(await status('GET', '/acl', null)).toBe(200)
  const seen = await cloud.call('HEAD', '/acl')
  expect(seen.headers.get('x-container-read')).toBe('.r:*,.rlistings')
  expect((await cloud.call('HEAD', '/acl', { user: null })).headers.get('x-container-read')).toBeNull()
  expect((await cloud.call('POST', '/acl', { headers: { 'x-container-write': '.r:*' } })).status).toBe(400)
  expect(
    (await cloud.call('GET', '/acl/o', { user: null, account: 'AUTH_x' })).headers.get('www-authenticate'),
  ).toContain('Swift realm="AUTH_x"')
})

test('info, health and cross-domain policy need no token', async () => {
  const info = (await (await fetch(`${cloud.url}/info`)).json()) as { swift: { max_file_size: number } }
  expect(info.swift.max_file_size).toBe(5368709122)
  expect(await (await fetch(`${cloud.url}/healthcheck`)).text()).toBe('OK')
  expect(await (await fetch(`${cloud.url}/crossdomain.xml`)).text()).toContain('<allow-access-from domain="*"')
})
