import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
  await cloud.call('PUT', '/seg')
  await cloud.call('PUT', '/big')
})
afterAll(() => cloud.close())

const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex')

async function putSegments(prefix: string, sizes: number[]) {
  const data = sizes.map((size) => randomBytes(size))
  for (const [index, body] of data.entries()) await cloud.call('PUT', `/seg/${prefix}/${index}`, { body })
  return { whole: Buffer.concat(data), etags: data.map(md5) }
}

const putManifest = (name: string, manifest: unknown, headers = {}) =>
  cloud.call('PUT', `/big/${name}?multipart-manifest=put`, { body: JSON.stringify(manifest), headers })

const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer())

test('a static large object is its segments in order, whole and in ranges', async () => {
  const { whole, etags } = await putSegments('slo', [1_500_000, 700_000, 10])
  const put = await putManifest('slo', [
    { path: '/seg/slo/0', etag: etags[0], size_bytes: 1_500_000 },
    { path: 'seg/slo/1' },
    { path: '/seg/slo/2', range: '2-5' },
  ])
  const etag = md5(`${etags[0]}${etags[1]}${etags[2]}:2-5;`)
  expect([put.status, put.headers.get('etag')]).toEqual([201, `"${etag}"`])
  const expected = whole.subarray(0, 2_200_000 + 6)
  const content = Buffer.concat([expected.subarray(0, 2_200_000), whole.subarray(2_200_002, 2_200_006)])
  const get = await cloud.call('GET', '/big/slo')
  expect(get.headers.get('content-length')).toBe(String(content.length))
  expect(get.headers.get('x-static-large-object')).toBe('True')
  expect(md5(await bytes(get))).toBe(md5(content))
  const range = await cloud.call('GET', '/big/slo', { headers: { range: 'bytes=1499999-2200001' } })
  expect((await bytes(range)).equals(content.subarray(1499999, 2200002))).toBe(true)
  const part = await cloud.call('GET', '/big/slo?part-number=3')
  expect([part.status, part.headers.get('x-parts-count')]).toEqual([206, '3'])
  expect((await bytes(part)).equals(whole.subarray(2_200_002, 2_200_006))).toBe(true)
  const [line] = (await (await cloud.call('GET', '/big?format=json&prefix=slo')).json()) as Record<string, unknown>[]
  expect(line).toMatchObject({ name: 'slo', bytes: content.length, slo_etag: `"${etag}"` })
  const raw = await (await cloud.call('GET', '/big/slo?multipart-manifest=get&format=raw')).json()
  expect(raw).toMatchObject([{ path: '/seg/slo/0' }, { path: '/seg/slo/1' }, { range: '2-5' }])
  expect((await cloud.call('POST', '/big/slo', { headers: { 'x-object-meta-a': '1' } })).status).toBe(202)
  expect((await cloud.call('HEAD', '/big/slo')).headers.get('content-length')).toBe(String(content.length))
})

test('a manifest with wrong segments is refused with every reason', async () => {
  await putSegments('bad', [10])
  const put = await putManifest('bad', [
    { path: '/seg/bad/0', size_bytes: 11 },
    { path: '/seg/bad/0', etag: md5('other') },
    { path: '/seg/bad/none' },
  ])
  const text = await put.text()
  expect(put.status).toBe(400)
  for (const reason of ['/seg/bad/0, Size Mismatch', '/seg/bad/0, Etag Mismatch', '/seg/bad/none, 404 Not Found'])
    expect(text).toContain(reason)
  expect((await putManifest('bad', 'not a list')).status).toBe(400)
  expect((await cloud.call('GET', '/big/bad')).status).toBe(404)
})

test('reading a large object whose segment changed answers 409', async () => {
  await putSegments('gone', [10, 10])
  await putManifest('gone', [{ path: '/seg/gone/0' }, { path: '/seg/gone/1' }])
  await cloud.call('PUT', '/seg/gone/0', { body: 'changed' })
  expect((await cloud.call('GET', '/big/gone')).status).toBe(409)
})

test('a large object of large objects is read and deleted with all its segments', async () => {
  const { whole } = await putSegments('deep', [20, 30])
  await putManifest('inner', [{ path: '/seg/deep/0' }, { path: '/seg/deep/1' }])
  await putManifest('outer', [{ path: '/big/inner' }, { data: Buffer.from('tail').toString('base64') }])
  const content = Buffer.concat([whole, Buffer.from('tail')])
  expect((await bytes(await cloud.call('GET', '/big/outer'))).equals(content)).toBe(true)
  const deleted = await cloud.call('DELETE', '/big/outer?multipart-manifest=delete', {
    headers: { accept: 'application/json' },
  })
  expect(await deleted.json()).toMatchObject({ 'Number Deleted': 4, 'Response Status': '200 OK' })
  expect((await cloud.call('GET', '/seg/deep/0')).status).toBe(404)
})

test('a dynamic large object is what is listed below its prefix', async () => {
  const { whole, etags } = await putSegments('dlo', [100_000, 50, 7])
  expect((await cloud.call('PUT', '/big/dlo', { body: '', headers: { 'x-object-manifest': 'seg' } })).status).toBe(400)
  await cloud.call('PUT', '/big/dlo', { body: '', headers: { 'x-object-manifest': 'seg/dlo/' } })
  const get = await cloud.call('GET', '/big/dlo')
  expect([get.headers.get('etag'), get.headers.get('content-length')]).toEqual([`"${md5(etags.join(''))}"`, '100057'])
  expect((await bytes(get)).equals(whole)).toBe(true)
  const range = await cloud.call('GET', '/big/dlo', { headers: { range: 'bytes=99999-100050' } })
  expect((await bytes(range)).equals(whole.subarray(99999, 100051))).toBe(true)
  expect(await (await cloud.call('GET', '/big/dlo?multipart-manifest=get')).text()).toBe('')
})

test('copies keep metadata unless fresh metadata is asked for', async () => {
  await cloud.call('PUT', '/big/src', { body: 'data', headers: { 'content-type': 'a/b', 'x-object-meta-one': '1' } })
  const put = await cloud.call('PUT', '/big/copy1', {
    headers: { 'x-copy-from': '/big/src', 'x-object-meta-two': '2' },
  })
  expect([put.status, put.headers.get('x-copied-from')]).toEqual([201, 'big/src'])
  const get = await cloud.call('GET', '/big/copy1')
  expect(await get.text()).toBe('data')
  expect(['content-type', 'x-object-meta-one', 'x-object-meta-two'].map((name) => get.headers.get(name))).toEqual([
    'a/b',
    '1',
    '2',
  ])
  const copy = await cloud.call('COPY', '/big/src', {
    headers: { destination: 'big/copy%202', 'x-fresh-metadata': 'true' },
  })
  expect(copy.status).toBe(201)
  expect((await cloud.call('HEAD', '/big/copy 2')).headers.get('x-object-meta-one')).toBeNull()
  expect((await cloud.call('COPY', '/big/src')).status).toBe(412)
  expect((await cloud.call('COPY', '/big/none', { headers: { destination: 'big/x' } })).status).toBe(404)
  expect((await cloud.call('PUT', '/big/x', { body: 'x', headers: { 'x-copy-from': 'big/src' } })).status).toBe(400)
})

test('a copied large object is one object, its copied manifest a large object', async () => {
  const { whole } = await putSegments('cp', [200_000, 100])
  await putManifest('cp', [{ path: '/seg/cp/0' }, { path: '/seg/cp/1' }])
  await cloud.call('COPY', '/big/cp', { headers: { destination: '/big/flat' } })
  await cloud.call('COPY', '/big/cp?multipart-manifest=get', { headers: { destination: '/big/again' } })
  const flat = await cloud.call('GET', '/big/flat')
  expect([flat.headers.get('x-static-large-object'), flat.headers.get('etag')]).toEqual([null, md5(whole)])
  const again = await cloud.call('GET', '/big/again')
  expect(again.headers.get('x-static-large-object')).toBe('True')
  expect((await bytes(again)).equals(whole)).toBe(true)
})

test('segments are read by the page that the large object is asked from', async () => {
  const reader = { 'x-container-read': '.r:good.example' }
  for (const name of ['pages', 'pieces']) await cloud.call('PUT', `/${name}`, { headers: reader })
  for (const name of ['1', '2']) await cloud.call('PUT', `/pieces/s${name}`, { body: name })
  const manifest = JSON.stringify([{ path: '/pieces/s1' }, { path: '/pieces/s2' }])
  await cloud.call('PUT', '/pages/static?multipart-manifest=put', { body: manifest })
  await cloud.call('PUT', '/pages/dynamic', { body: '', headers: { 'x-object-manifest': 'pieces/s' } })
  for (const name of ['static', 'dynamic']) {
    const options = { user: null, account: 'AUTH_ann-project' }
    const visit = (referer: string) => cloud.call('GET', `/pages/${name}`, { ...options, headers: { referer } })
    const found = await visit('http://good.example/page')
    expect([found.status, await found.text()]).toEqual([200, '12'])
    expect((await visit('http://evil.example/page')).status).toBe(401)
  }
})

test('a manifest from who may not write is refused before it is read', async () => {
  await cloud.call('PUT', '/mine')
  const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('[')) })
  const options = { user: null, account: 'AUTH_ann-project', body }
  expect((await cloud.call('PUT', '/mine/o?multipart-manifest=put', options)).status).toBe(401)
})

test('of a manifest with very many mistakes the first ones are told', async () => {
  await cloud.call('PUT', '/mistakes')
  const body = JSON.stringify(new Array(100_000).fill(1))
  const answer = await cloud.call('PUT', '/mistakes/o?multipart-manifest=put', { body })
  expect([answer.status, (await answer.text()).split('\n').length]).toEqual([400, 1001])
})
