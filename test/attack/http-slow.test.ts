import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, login, until } from '../client.ts'
import { type Started, start } from '../start.ts'
import { residentMiB } from './memory.ts'
import { sendRaw } from './raw-http.ts'

// A suite of its own, whose patience is short.
let suite: Started
let demo: Client
const mib = 1024 ** 2

beforeAll(async () => {
  const http = { headerSeconds: 2, bodySeconds: 2, idleSeconds: 2, keepAliveSeconds: 2 }
  suite = await start({ config: { http } })
  demo = await login(suite.urls, suite.demo)
})
afterAll(() => suite?.close())

const trickle = (text: string) => (socket: Socket) => {
  const timer = setInterval(() => socket.write(text), 200)
  socket.on('close', () => clearInterval(timer))
}
const newImage = async () => {
  const json = { name: 'slow', disk_format: 'raw', container_format: 'bare' }
  return (await demo.must('image', 'POST', '/images', { json })).body.id as string
}
const statusOf = async (id: string) => (await demo.must('image', 'GET', `/images/${id}`)).body.status

test('headers and JSON bodies that trickle are 408 at each service', async () => {
  const services = ['identity', 'volume', 'image'] as const
  const answers = await Promise.all(
    services.flatMap((service) => {
      const { url, head } = {
        identity: { url: suite.urls.identity, head: 'POST /v3/auth/tokens' },
        volume: { url: suite.urls.volume, head: `POST /v3/${demo.projectId}/volumes` },
        image: { url: suite.urls.image, head: 'POST /v2/images' },
      }[service]
      const lines = `${head} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: ${demo.token}\r\nContent-Length: 9000\r\n\r\n{`
      return [sendRaw(url, 'GET / HTTP/1.1\r\n', trickle('a: b\r\n')), sendRaw(url, lines, trickle(' '))]
    }),
  )
  expect(answers.map(({ status }) => status)).toEqual([408, 408, 408, 408, 408, 408])
})

test.each(['file', 'stage'])(
  'an image whose PUT …/%s trickles or stops is queued again and leaves nothing',
  async (path) => {
    const head = (id: string) =>
      `PUT /v2/images/${id}/${path} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: ${demo.token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 9000000\r\n\r\nbytes`
    const [trickles, stops] = [await newImage(), await newImage()]
    await Promise.all([sendRaw(suite.urls.image, head(trickles), trickle('x')), sendRaw(suite.urls.image, head(stops))])
    for (const id of [trickles, stops])
      await until(
        () => statusOf(id),
        (status) => status === 'queued',
        30,
      )
    expect(readdirSync(join(suite.dataFolder, 'work', 'staging'))).toEqual([])
  },
)

test('100 clients that stop reading an image are cut, and who reads slowly gets it whole', async () => {
  const id = await newImage()
  const bytes = randomBytes(24 * mib)
  const headers = { 'content-type': 'application/octet-stream' }
  await demo.must('image', 'PUT', `/images/${id}/file`, { body: bytes, headers })
  const { hostname, port } = new URL(suite.urls.image)
  const before = residentMiB(suite.pid)
  const ask = `GET /v2/images/${id}/file HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Auth-Token: ${demo.token}\r\n\r\n`
  const sockets = Array.from({ length: 100 }, () => {
    const socket = connect(Number(port), hostname, () => socket.write(ask))
    return socket.on('error', () => undefined).pause()
  })
  const slow = readSlowly(Number(port), hostname, ask)
  await until(
    async () => established(Number(port)),
    (count) => count > 60,
    30,
  )
  expect(
    createHash('md5')
      .update(await slow)
      .digest('hex'),
  ).toBe(createHash('md5').update(bytes).digest('hex'))
  await until(
    async () => established(Number(port)),
    (count) => count === 0,
    60,
  )
  expect(residentMiB(suite.pid) - before).toBeLessThan(400)
  for (const socket of sockets) socket.destroy()
})

/** The body of a response, read in pieces with pauses of half a second. */
async function readSlowly(port: number, host: string, ask: string): Promise<Buffer> {
  const socket = connect(port, host, () => socket.write(ask))
  const parts: Buffer[] = []
  for await (const chunk of socket) {
    parts.push(chunk as Buffer)
    if (parts.length % 100 === 0) await new Promise((done) => setTimeout(done, 500))
  }
  const all = Buffer.concat(parts)
  return all.subarray(all.indexOf('\r\n\r\n') + 4)
}

/** Connections that the service at `port` holds open. */
function established(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)
  return rows.map((row) => row.trim().split(/\s+/)).filter(([, from, , state]) => from === local && state === '01')
    .length
}
