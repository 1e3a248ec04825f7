import { expect, test } from 'vitest'
import { freshClient } from '../client.ts'
import { suite } from '../suite.ts'
import { dial, head, hear } from './raw.ts'

async function say(bytes: string): Promise<string> {
  const socket = await dial(suite().urls.object)
  socket.write(bytes)
  const answer = await hear(socket, /\r\n\r\n/)
  socket.destroy()
  return answer
}

const line = (method: string, rest: string) => `${method} /v1/AUTH_x${rest}`
const many = Array.from({ length: 3000 }, (_, index) => `X-${index}: 1`)

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['a transfer encoding nobody knows', head(line('PUT', '/c/o'), 'Transfer-Encoding: xchunked'), 501],
  ['lengths that differ', head(line('PUT', '/c/o'), 'Content-Length: 1', 'Content-Length: 2'), 400],
  ['a length beside chunks', head(line('PUT', '/c/o'), 'Content-Length: 1', 'Transfer-Encoding: chunked'), 400],
  ['a URL of 60 kB', head(line('GET', `/c/${'o'.repeat(60_000)}`)), 414],
  ['3000 headers', head(line('GET', ''), ...many), 431],
  ['a header of 10 kB', head(line('GET', ''), `X-A: ${'a'.repeat(10_000)}`), 431],
  ['90 kB of headers', head(line('GET', ''), ...many.slice(0, 1200).map((text) => text + 'a'.repeat(65))), 431],
  ['an object without a container', head(line('GET', '//o')), 404],
])('%s: the status of Swift, with a transaction id', async (_, bytes, status) => {
  const answer = await say(bytes)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toMatch(/\r\nX-Trans-Id: tx[0-9a-f]{21}-[0-9a-f]{10}\r\n/)
})

test('a name with underscores is not taken for one with dashes', async () => {
  const owner = await freshClient(suite().urls, suite().admin)
  const path = `/v1/AUTH_${owner.projectId}`
  expect(await say(head(`GET ${path}`, `X_Auth_Token: ${owner.token}`))).toMatch(/^HTTP\/1.1 401 /)
  const token = `X-Auth-Token: ${owner.token}`
  expect(await say(head(`POST ${path}`, token, 'X-Account-Meta-Temp_URL_Key: stolen'))).toMatch(/^HTTP\/1.1 204 /)
  expect((await owner.must('object', 'HEAD', '')).headers.get('x-account-meta-temp-url-key')).toBeNull()
  await owner.must('object', 'PUT', '/c')
  const put = head(`PUT ${path}/c/o`, token, 'Content_Length: 5', 'Transfer-Encoding: chunked')
  expect(await say(`${put}3\r\nabc\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1.1 201 /)
})
