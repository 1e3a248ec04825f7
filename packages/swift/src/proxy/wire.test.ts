import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../for-tests/cloud.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud()
  await cloud.call('PUT', '/c')
})
afterAll(() => cloud.close())

const head = (line: string, ...headers: string[]): string =>
  [line, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n')

/** Status line and headers of what the server says to these bytes. */
async function say(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(cloud.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

const token = 'X-Auth-Token: ann'
const path = '/v1/AUTH_ann-project'

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['a bad header', head('GET /info HTTP/1.1', 'bad header'), 400],
  ['two lengths', head(`PUT ${path}/c/o HTTP/1.1`, token, 'Content-Length: 1', 'Content-Length: 2'), 400],
  ['a foreign transfer encoding', head(`PUT ${path}/c/o HTTP/1.1`, token, 'Transfer-Encoding: zip'), 501],
  ['two transfer encodings', head(`PUT ${path}/c/o HTTP/1.1`, token, 'Transfer-Encoding: gzip, chunked'), 501],
  ['no length', head(`PUT ${path}/c/o HTTP/1.1`, token), 411],
  ['a long URL', head(`GET ${path}/c/${'o'.repeat(9000)} HTTP/1.1`, token), 414],
  ['a long header', head(`GET ${path} HTTP/1.1`, token, `X-A: ${'a'.repeat(9000)}`), 431],
  ['many headers', head(`GET ${path} HTTP/1.1`, token, ...Array.from({ length: 130 }, (_, n) => `X-${n}: 1`)), 431],
  ['endless headers', `GET ${path} HTTP/1.1\r\n${`X-A: ${'a'.repeat(8000)}\r\n`.repeat(12)}\r\n`, 431],
  ['an object without a container', head(`GET ${path}//o HTTP/1.1`, token), 404],
  ['another version', head('GET /v2/a HTTP/1.1', token), 404],
  ['bad escapes', head(`GET ${path}/c/%zz%1 HTTP/1.1`, token), 404],
])('%s is answered with the status of Swift and a transaction id', async (_, bytes, status) => {
  const text = await say(bytes)
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(text).toMatch(/\r\nX-Trans-Id: tx[0-9a-f]{21}-[0-9a-f]{10}\r\n/)
})

test('a chunk that is none ends the upload with an error page and leaves nothing', async () => {
  const text = await say(
    `${head(`PUT ${path}/c/bad HTTP/1.1`, token, 'Transfer-Encoding: chunked')}5\r\nhello\r\nzz\r\n`,
  )
  expect(text === '' || /^HTTP\/1.1 4/.test(text)).toBe(true)
  expect((await cloud.call('HEAD', '/c/bad')).status).toBe(404)
})

test('a name with underscores means nothing but user metadata', async () => {
  const status = async (...headers: string[]) => (await say(head(`GET ${path} HTTP/1.1`, ...headers))).split(' ')[1]
  expect(await status('X_Auth_Token: ann')).toBe('401')
  expect(await status(token, 'X_Auth_Token: nobody')).toBe('200')
  await say(
    head(
      `POST ${path} HTTP/1.1`,
      token,
      'X-Account-Meta-A_b: folded',
      'X-Account-Meta-C_d: other',
      'X-Account-Meta-C-d: exact',
      'X_Account_Meta_E: dropped',
      'X-Account-Meta-Temp_URL_Key: stolen',
      'X-Account-Meta-Quota_Bytes: 1',
    ),
  )
  const headers = [...(await cloud.call('HEAD', '')).headers].filter(([name]) => name.startsWith('x-account-meta-'))
  expect(headers).toEqual([
    ['x-account-meta-a-b', 'folded'],
    ['x-account-meta-c-d', 'exact'],
  ])
})
