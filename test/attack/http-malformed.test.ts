import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { login } from '../client.ts'
import { suite } from '../suite.ts'
import { residentMiB } from './memory.ts'
import { type RawAnswer, sendRaw } from './raw-http.ts'
import { longestHealthMs, watchHealth } from './watch.ts'

const { urls } = suite()
const services = ['identity', 'volume', 'image'] as const

/** What every error of a service looks like. */
const envelopes = {
  identity: /^\{"error":\{"code":\d+,"message":".*","title":".*"\}\}/s,
  volume: /^\{"\w+":\{"code":\d+,"message":".*"/s,
  image: /^<html>\s*<head>\s*<title>\d+ /s,
}

const malformed: [string, string, number][] = [
  ['nonsense', 'nonsense\r\n\r\n', 400],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc', 400],
  [
    'length and chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    400,
  ],
  ['a bad percent escape', 'GET /v3/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
  ['a null character in the path', 'GET /v3/a%00b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
  ['no Host', 'GET /v3 HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['a header of 60 kB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`, 431],
  ['3,000 headers', `GET /v3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${'a: b\r\n'.repeat(2500)}\r\n`, 431],
  ['a URL of 12,000 characters', `GET /v3/${'a'.repeat(12_000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 414],
]

test.each(services.flatMap((service) => malformed.map((each) => [service, ...each] as const)))(
  '%s: %s is refused in the form of the service, with nothing of the inside',
  async (service, _name, text, status) => {
    const answer = await sendRaw(urls[service], text)
    expect(answer.status).toBe(status)
    expect(answer.body.replace(/^[0-9a-f]+\r\n/, '')).toMatch(envelopes[service])
    expect(answer.body).not.toMatch(/HPE_|FST_ERR|Parse Error|statusCode/)
  },
)

test('without a token a body of a gigabyte is refused before it is read, and the connection closed', async () => {
  const { projectId } = await login(urls, suite().demo)
  const paths = {
    volume: `POST /v3/${projectId}/volumes`,
    image: 'PUT /v2/images/aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa/file',
  }
  for (const service of ['volume', 'image'] as const) {
    const head = `${paths[service]} HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000000\r\n\r\n`
    let answer = await sendGigabyte(urls[service], head)
    // The reset of the connection can overtake the response.
    for (let retry = 0; answer.status === 0 && retry < 3; retry++) answer = await sendGigabyte(urls[service], head)
    expect(answer.status).toBe(401)
    expect(answer.sent).toBeLessThan(200_000_000)
  }
})

/** Sends a head and then up to a gigabyte, as fast as it is taken; returns the response and the bytes sent. */
async function sendGigabyte(url: string, head: string): Promise<RawAnswer & { sent: number }> {
  let sent = 0
  const answer = await sendRaw(url, head, (socket) => {
    const chunk = Buffer.alloc(256 * 1024)
    const more = () => {
      while (!socket.destroyed && sent < 1_000_000_000) {
        sent += chunk.length
        if (!socket.write(chunk)) return
      }
    }
    socket.on('drain', more).once('connect', more)
  })
  return { ...answer, sent }
}

test('an object with a null character in its name is refused by every service alike', async () => {
  const client = await login(urls, suite().demo)
  const name = 'a\0b'
  const image = await client.call('image', 'POST', '/images', { json: { name } })
  const volume = await client.call('volume', 'POST', `/${client.projectId}/volumes`, {
    json: { volume: { name, size: 1 } },
  })
  const tag = await client.call('image', 'PUT', '/images/aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa/tags/a%00b')
  const list = await client.call('image', 'GET', '/images?name=a%00b')
  expect([image, volume, tag, list].map(({ status }) => status)).toEqual([400, 400, 400, 400])
})

test('500 connections to each service that send half a request delay nobody and cost little memory', async () => {
  const before = residentMiB(suite().pid)
  const sockets = services.flatMap((service) => {
    const { hostname, port } = new URL(urls[service])
    return Array.from({ length: 500 }, (_, n) => {
      const socket = connect(Number(port), hostname, () =>
        socket.write(
          n % 2 ? 'GET /v3 HTTP/1.1\r\nX-A' : 'POST /v3/auth/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{',
        ),
      )
      return socket.on('error', () => undefined)
    })
  })
  const { slowest } = await watchHealth(async () => {
    for (let round = 0; round < 20; round += 1) {
      for (const socket of sockets) socket.write('a')
      await new Promise((done) => setTimeout(done, 200))
    }
  })
  for (const socket of sockets) socket.destroy()
  expect(Math.max(...Object.values(slowest))).toBeLessThan(longestHealthMs)
  expect(residentMiB(suite().pid) - before).toBeLessThan(200)
})
