import { createHmac } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { type Client, freshClient } from '../client.ts'
import { suite } from '../suite.ts'

const at = Math.floor(Date.now() / 1000) + 1000

let owner: Client
beforeAll(async () => {
  owner = await freshClient(suite().urls, suite().admin)
  await owner.must('object', 'POST', '', { headers: { 'x-account-meta-temp-url-key': 'secret' } })
  await owner.must('object', 'PUT', '/pub', { headers: { 'x-container-meta-temp-url-key': 'local' } })
  await owner.must('object', 'PUT', '/secret')
  for (const path of ['/pub/drop', '/secret/plans', '/secret/other'])
    await owner.must('object', 'PUT', path, { body: path })
})

interface Ask {
  key?: string
  range?: string
  more?: string
  body?: string
  headers?: Record<string, string>
}

/** What nobody gets with a link signed for one object. */
async function open(method: string, path: string, { key = 'secret', range, more = '', body, headers = {} }: Ask = {}) {
  const full = `/v1/AUTH_${owner.projectId}${path}`
  const text = `${range === undefined ? '' : `ip=${range}\n`}${method}\n${at}\n${full}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const limit = range === undefined ? '' : `&temp_url_ip_range=${encodeURIComponent(range)}`
  const url = `${suite().urls.object}${full}?temp_url_sig=${signature}&temp_url_expires=${at}${limit}${more}`
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
  return { status: response.status, text: await response.text() }
}

const exists = async (path: string) => (await owner.call('object', 'HEAD', path)).status === 200
const plain = { 'content-type': 'text/plain', accept: 'text/plain' }

test.each(['DELETE', 'POST'])('a link for %s of one object deletes nothing else', async (method) => {
  const body = 'secret/plans\nsecret/other\npub/drop\nsecret\n'
  const { text } = await open(method, '/pub/drop', { more: '&bulk-delete', body, headers: plain })
  expect(text).toContain('Number Deleted: 0\n')
  for (const path of ['/pub/drop', '/secret/plans', '/secret/other']) expect(await exists(path)).toBe(true)
})

test('a link for DELETE of a manifest deletes no segments', async () => {
  const body = JSON.stringify([{ path: '/secret/plans' }])
  await owner.must('object', 'PUT', '/pub/large?multipart-manifest=put', { body })
  expect((await open('DELETE', '/pub/large', { more: '&multipart-manifest=delete' })).status).toBe(204)
  expect([await exists('/pub/large'), await exists('/secret/plans')]).toEqual([false, true])
})

test('a link for PUT makes no other objects, and no pointers to them', async () => {
  const unpacked = await open('PUT', '/pub/one', { more: '&extract-archive=tar', body: 'x', headers: plain })
  expect(unpacked.text).toContain('Response Status: 401 Unauthorized\n')
  for (const name of ['x-object-manifest', 'x-symlink-target'])
    expect((await open('PUT', '/pub/one', { body: '', headers: { [name]: 'secret/plans' } })).status).toBe(400)
  const manifest = JSON.stringify([{ path: '/secret/plans' }])
  await open('PUT', '/pub/two', { more: '&multipart-manifest=put', body: manifest })
  expect((await owner.must('object', 'GET', '/pub/two')).bytes.toString()).toBe(manifest)
})

test('a link copies no other object into its own, whichever key has signed it', async () => {
  const headers = { 'x-copy-from': 'secret/plans' }
  expect((await open('PUT', '/pub/copy', { body: '', headers })).status).toBe(400)
  expect((await open('PUT', '/pub/copy', { key: 'local', body: '', headers })).status).toBe(400)
  expect(await exists('/pub/copy')).toBe(false)
})

test('a link for other addresses is refused', async () => {
  expect((await open('GET', '/pub/drop', { range: '127.0.0.0/8' })).status).toBe(200)
  for (const range of ['10.9.9.9', '203.0.113.0/24', 'fd00::/8'])
    expect((await open('GET', '/pub/drop', { range })).status).toBe(401)
})
