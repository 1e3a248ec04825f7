import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
  await cloud.call('POST', '', { headers: { 'x-account-meta-temp-url-key': 'secret' } })
  await cloud.call('PUT', '/c', { headers: { 'x-container-meta-temp-url-key-2': 'local' } })
  await cloud.call('PUT', '/c/o', {
    body: 'data',
    headers: { 'x-object-meta-private': '1', 'x-object-meta-public-a': '2' },
  })
})
afterAll(() => cloud.close())

const account = 'AUTH_ann-project'
const later = () => Math.floor(Date.now() / 1000) + 100

function sign(method: string, path: string, expires: number, key = 'secret', digest = 'sha256'): string {
  return createHmac(digest, key).update(`${method}\n${expires}\n/v1/${account}${path}`).digest('hex')
}

const open = (method: string, path: string, query: string, headers = {}, body?: string) =>
  cloud.call(method, `${path}?${query}`, { user: null, account, headers, ...(body === undefined ? {} : { body }) })

test('a signed link opens one object for one method until it expires', async () => {
  const at = later()
  const query = `temp_url_sig=${sign('GET', '/c/o', at)}&temp_url_expires=${at}`
  const get = await open('GET', '/c/o', query)
  expect([get.status, await get.text()]).toEqual([200, 'data'])
  expect(get.headers.get('content-disposition')).toBe(`attachment; filename="o"; filename*=UTF-8''o`)
  expect([get.headers.get('x-object-meta-private'), get.headers.get('x-object-meta-public-a')]).toEqual([null, '2'])
  expect((await open('HEAD', '/c/o', query)).status).toBe(200)
  expect((await open('GET', '/c/other', query)).status).toBe(401)
  expect((await open('PUT', '/c/o', query, {}, 'x')).status).toBe(401)
  expect((await open('GET', '/c/o', `${query}0`)).status).toBe(401)
  const inline = await open('GET', '/c/o', `${query}&inline`)
  expect(inline.headers.get('content-disposition')).toBe('inline')
  const past = at - 200
  expect((await open('GET', '/c/o', `temp_url_sig=${sign('GET', '/c/o', past)}&temp_url_expires=${past}`)).status).toBe(
    401,
  )
  const byContainer = `temp_url_sig=${sign('PUT', '/c/new', at, 'local', 'sha1')}&temp_url_expires=${at}`
  expect((await open('PUT', '/c/new', byContainer, {}, 'x')).status).toBe(201)
  expect((await open('PUT', '/c/new', byContainer, { 'x-object-manifest': 'c/o' }, 'x')).status).toBe(400)
})

test('a signed form uploads its files', async () => {
  const form = (signature: string, expires: number) => {
    const data = new FormData()
    const fields = { redirect: '', max_file_size: '20', max_file_count: '2', expires: String(expires), signature }
    for (const [name, value] of Object.entries(fields)) data.append(name, value)
    data.append('file1', new Blob(['hello']), 'a.txt')
    data.append('file2', new Blob(['\r\n--not the end\r\n']), 'b.txt')
    return data
  }
  const send = async (data: FormData) => {
    const packed = new Response(data)
    const headers = { 'content-type': packed.headers.get('content-type')! }
    return cloud.call('POST', '/c/form-', {
      user: null,
      account,
      headers,
      body: new Uint8Array(await packed.arrayBuffer()),
    })
  }
  const at = later()
  const text = (expires: number) => `/v1/${account}/c/form-\n\n20\n2\n${expires}`
  const signature = (expires: number) => createHmac('sha512', 'secret').update(text(expires)).digest('hex')
  expect((await send(form(signature(at), at))).status).toBe(201)
  expect(await (await cloud.call('GET', '/c/form-a.txt')).text()).toBe('hello')
  expect(await (await cloud.call('GET', '/c/form-b.txt')).text()).toBe('\r\n--not the end\r\n')
  const wrong = await send(form(signature(at + 1), at))
  expect([wrong.status, await wrong.text()]).toEqual([401, 'FormPost: Invalid Signature'])
  const expired = await send(form(signature(1), 1))
  expect([expired.status, await expired.text()]).toEqual([401, 'FormPost: Form Expired'])
})

test('container quotas stop uploads with 413', async () => {
  await cloud.call('PUT', '/quota', {
    headers: { 'x-container-meta-quota-bytes': '10', 'x-container-meta-quota-count': '2' },
  })
  expect((await cloud.call('PUT', '/quota/a', { body: '12345678901' })).status).toBe(413)
  expect((await cloud.call('PUT', '/quota/a', { body: '1234567890' })).status).toBe(201)
  expect((await cloud.call('PUT', '/quota/b', { body: '' })).status).toBe(201)
  expect((await cloud.call('PUT', '/quota/c', { body: '' })).status).toBe(413)
  expect((await cloud.call('POST', '/quota', { headers: { 'x-container-meta-quota-count': 'many' } })).status).toBe(400)
})

test('account quotas are set by reseller administrators only', async () => {
  const options = { account: 'AUTH_dan-project' }
  await cloud.call('PUT', '/c', { ...options, user: 'dan' })
  const set = (user: string, value: string) =>
    cloud.call('POST', '', { ...options, user, headers: { 'x-account-meta-quota-bytes': value } })
  expect((await set('dan', '100')).status).toBe(403)
  expect((await set('eve:ResellerAdmin', '5')).status).toBe(204)
  expect((await set('dan', '')).status).toBe(403)
  expect((await cloud.call('PUT', '/c/o', { ...options, user: 'dan', body: '123456' })).status).toBe(413)
  expect((await cloud.call('PUT', '/c/o', { ...options, user: 'dan', body: '12345' })).status).toBe(201)
  expect((await set('eve:ResellerAdmin', '')).status).toBe(204)
  expect((await cloud.call('PUT', '/c/o2', { ...options, user: 'dan', body: '123456' })).status).toBe(201)
})

/** A tar entry of a regular file. */
function tarEntry(name: string, body: string): Buffer {
  const head = Buffer.alloc(512)
  head.write(name, 0)
  head.write('0000644\0', 100)
  head.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124)
  head.write('        ', 148)
  head.write('0', 156)
  head.write('ustar\u000000', 257)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  const padded = Buffer.alloc(Math.ceil(body.length / 512) * 512)
  padded.write(body)
  return Buffer.concat([head, padded])
}

test('an archive is stored as objects and deleted in bulk', async () => {
  const tar = Buffer.concat([
    tarEntry('arc/one', 'first'),
    tarEntry('./arc/sub/two', 'x'.repeat(1000)),
    Buffer.alloc(1024),
  ])
  for (const [format, body] of [
    ['tar', tar],
    ['tar.gz', gzipSync(tar)],
  ] as const) {
    const put = await cloud.call('PUT', `?extract-archive=${format}`, { body, headers: { accept: 'application/json' } })
    expect(await put.json()).toMatchObject({ 'Number Files Created': 2, 'Response Status': '201 Created', Errors: [] })
  }
  expect(await (await cloud.call('GET', '/arc/one')).text()).toBe('first')
  const headers = { accept: 'application/json', 'content-type': 'text/plain' }
  const gone = await cloud.call('POST', '?bulk-delete', { body: 'arc/one\n/arc/sub%2Ftwo\narc/none\narc', headers })
  expect(await gone.json()).toMatchObject({ 'Number Deleted': 3, 'Number Not Found': 1, 'Response Status': '200 OK' })
  expect((await cloud.call('HEAD', '/arc')).status).toBe(404)
  const broken = await cloud.call('PUT', '?extract-archive=tar', {
    body: 'x'.repeat(600),
    headers: { accept: 'application/json' },
  })
  expect(await broken.json()).toMatchObject({
    'Response Status': '400 Bad Request',
    'Response Body': expect.stringMatching(/^Invalid Tar File: /),
  })
})

test('a container is served as a web site', async () => {
  const headers = {
    'x-container-read': '.r:*,.rlistings',
    'x-container-meta-web-index': 'index.html',
    'x-container-meta-web-error': 'error.html',
    'x-container-meta-web-listings': 'true',
  }
  await cloud.call('PUT', '/web', { headers })
  for (const name of ['index.html', '404error.html', 'dir/page.html'])
    await cloud.call('PUT', `/web/${name}`, { body: `<${name}>` })
  const visit = (path: string) => cloud.call('GET', path, { user: null, account })
  expect((await visit('/web')).headers.get('location')).toBe(`${cloud.url}/v1/${account}/web/`)
  expect(await (await visit('/web/')).text()).toBe('<index.html>')
  const missing = await visit('/web/none')
  expect([missing.status, await missing.text()]).toEqual([404, '<404error.html>'])
  expect(await (await visit('/web/dir/')).text()).toContain('<a href="page.html">page.html</a>')
  expect((await visit('/web/dir')).status).toBe(301)
  expect(await (await cloud.call('GET', '/web')).text()).toContain('index.html\n')
})

test('a versioned container brings the version before back', async () => {
  await cloud.call('PUT', '/archive')
  await cloud.call('PUT', '/versioned', { headers: { 'x-versions-location': 'archive' } })
  expect((await cloud.call('HEAD', '/versioned')).headers.get('x-versions-location')).toBe('archive')
  for (const body of ['one', 'two', 'three']) await cloud.call('PUT', '/versioned/o', { body })
  const now = async () => (await cloud.call('GET', '/versioned/o')).text()
  expect((await (await cloud.call('GET', '/archive')).text()).split('\n')[0]).toMatch(/^001o\/\d{10}\.\d{5}$/)
  expect(await now()).toBe('three')
  await cloud.call('DELETE', '/versioned/o')
  expect(await now()).toBe('two')
  await cloud.call('DELETE', '/versioned/o')
  expect(await now()).toBe('one')
  expect((await cloud.call('DELETE', '/versioned/o')).status).toBe(204)
  expect((await cloud.call('GET', '/versioned/o')).status).toBe(404)
  expect((await cloud.call('HEAD', '/archive')).headers.get('x-container-object-count')).toBe('0')
})

test('pages of other sites get in when the container says so', async () => {
  const headers = {
    'x-container-read': '.r:*',
    'x-container-meta-access-control-allow-origin': 'http://a.example http://b.example',
    'x-container-meta-access-control-max-age': '60',
  }
  await cloud.call('PUT', '/cors', { headers })
  await cloud.call('PUT', '/cors/o', { body: 'x', headers: { 'x-object-meta-a': '1' } })
  const ask = (origin: string) =>
    cloud.call('OPTIONS', '/cors/o', {
      user: null,
      account,
      headers: { origin, 'access-control-request-method': 'GET' },
    })
  const allowed = await ask('http://a.example')
  expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, 'http://a.example'])
  expect(allowed.headers.get('access-control-max-age')).toBe('60')
  expect((await ask('http://c.example')).status).toBe(401)
  const get = (origin: string) => cloud.call('GET', '/cors/o', { user: null, account, headers: { origin } })
  expect((await get('http://b.example')).headers.get('access-control-expose-headers')).toContain('x-object-meta-a')
  expect((await get('http://c.example')).headers.get('access-control-allow-origin')).toBeNull()
})
