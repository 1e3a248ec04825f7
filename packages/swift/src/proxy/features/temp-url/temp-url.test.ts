import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../../for-tests/cloud.ts'
import { isWithin } from './feature.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
  await cloud.call('POST', '', { headers: { 'x-account-meta-temp-url-key': 'secret' } })
  await cloud.call('PUT', '/pub', { headers: { 'x-container-meta-temp-url-key': 'local' } })
  await cloud.call('PUT', '/private')
})
afterAll(() => cloud.close())

const account = 'AUTH_ann-project'
const at = Math.floor(Date.now() / 1000) + 1000
const json = { accept: 'application/json', 'content-type': 'text/plain' }

function signed(method: string, path: string, options: { key?: string; range?: string; more?: string } = {}): string {
  const { key = 'secret', range, more = '' } = options
  const text = `${range === undefined ? '' : `ip=${range}\n`}${method}\n${at}\n/v1/${account}${path}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const limit = range === undefined ? '' : `&temp_url_ip_range=${encodeURIComponent(range)}`
  return `${path}?temp_url_sig=${signature}&temp_url_expires=${at}${limit}${more}`
}

const open = (method: string, path: string, headers: Record<string, string> = {}, body = '') =>
  cloud.call(method, path, { user: null, account, headers, ...(method === 'GET' ? {} : { body }) })

const exists = async (path: string) => (await cloud.call('HEAD', path)).status === 200
const put = async (...paths: string[]) => {
  for (const path of paths) await cloud.call('PUT', path, { body: path })
}

test.each(['DELETE', 'POST'])('a link signed for %s deletes nothing in bulk', async (method) => {
  await put('/pub/drop', '/private/plans')
  const path = signed(method, '/pub/drop', { more: '&bulk-delete' })
  const answer = await open(method, path, json, 'private/plans\npub/drop\nprivate')
  expect(await answer.json()).toMatchObject({ 'Number Deleted': 0, 'Response Status': '401 Unauthorized' })
  expect([await exists('/pub/drop'), await exists('/private/plans')]).toEqual([true, true])
})

test('a link signed for PUT unpacks no archive', async () => {
  const path = signed('PUT', '/pub/one', { more: '&extract-archive=tar' })
  expect(await (await open('PUT', path, json, 'x')).json()).toMatchObject({ 'Response Status': '401 Unauthorized' })
  expect(await exists('/pub/one')).toBe(false)
})

test('a link opens one object and not the segments that a manifest in it names', async () => {
  await put('/private/segment')
  const manifest = JSON.stringify([{ path: '/private/segment' }])
  await open('PUT', signed('PUT', '/pub/plain', { more: '&multipart-manifest=put' }), {}, manifest)
  expect(await (await cloud.call('GET', '/pub/plain')).text()).toBe(manifest)
  await cloud.call('PUT', '/pub/large?multipart-manifest=put', { body: manifest })
  expect((await open('DELETE', signed('DELETE', '/pub/large', { more: '&multipart-manifest=delete' }))).status).toBe(
    204,
  )
  expect([await exists('/pub/large'), await exists('/private/segment')]).toEqual([false, true])
})

test('the key of a container opens that container only, copies included', async () => {
  await put('/private/source')
  const path = signed('PUT', '/pub/copy', { key: 'local' })
  expect((await open('PUT', path, { 'x-copy-from': 'private/source' })).status).toBe(400)
  expect(await exists('/pub/copy')).toBe(false)
  const foreign = { 'x-copy-from': 'c/o', 'x-copy-from-account': 'AUTH_bob-project' }
  expect((await open('PUT', signed('PUT', '/pub/copy'), foreign)).status).toBe(400)
})

test('a token beside a signature adds nothing to it', async () => {
  await cloud.call('PUT', '/pub/o', { body: 'x' })
  const answer = await open('GET', signed('GET', '/pub/o'), { 'x-auth-token': 'eve:ResellerAdmin' })
  expect(answer.status).toBe(200)
  const copy = signed('PUT', '/pub/copy', { key: 'local' })
  expect((await open('PUT', copy, { 'x-copy-from': 'private/source', 'x-auth-token': 'ann' })).status).toBe(400)
})

test('a link works only from the addresses it is signed for', async () => {
  await put('/pub/o')
  const status = async (range: string) => (await open('GET', signed('GET', '/pub/o', { range }))).status
  expect(await status('127.0.0.1')).toBe(200)
  expect(await status('127.0.0.0/8')).toBe(200)
  for (const range of ['10.9.9.9', '203.0.113.0/24', '::1', 'nowhere', '127.0.0.1/99', '127.0.0.1/8/8', ''])
    expect(await status(range)).toBe(401)
})

test('addresses are compared with networks of their own family', () => {
  expect([isWithin('10.1.0.0/16', '10.1.2.3'), isWithin('10.1.0.0/16', '10.2.0.1')]).toEqual([true, false])
  expect([isWithin('fd00::/8', 'fd12::1'), isWithin('::/0', '10.1.2.3'), isWithin('0.0.0.0/0', '')]).toEqual([
    true,
    false,
    false,
  ])
})
