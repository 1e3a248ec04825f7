import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, silentLog } from '@hearth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../for-tests/cloud.ts'

/** Log lines of requests. */
const logged = new EventEmitter()
const log = { ...silentLog, info: (line: object) => logged.emit('request', line) } as Logger

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud({ proxy: { clientTimeoutSeconds: 1, minimumUploadRate: 1000, log } })
  await cloud.call('PUT', '/c')
})
afterAll(() => cloud.close())

async function open(...lines: string[]): Promise<Socket> {
  const socket = connect(Number(new URL(cloud.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(lines.join('\r\n'))
  return socket
}

/** Everything until the server closes the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  if (!socket.closed) await once(socket, 'close')
  return text
}

const put = (name: string, length: number) => [
  `PUT /v1/AUTH_ann-project/c/${name} HTTP/1.1`,
  'Host: x',
  'X-Auth-Token: ann',
  'Connection: close',
  `Content-Length: ${length}`,
  '',
  '',
]

test('a client that stops sending is answered 408, and nothing of its object stays', async () => {
  const socket = await open(...put('stopped', 1000), 'begin')
  const answered = await once(socket, 'data')
  expect(String(answered[0])).toMatch(/^HTTP\/1.1 408 /)
  socket.destroy()
  expect((await cloud.call('HEAD', '/c/stopped')).status).toBe(404)
})

test('a client that trickles is answered 408, one that is fast enough is not', async () => {
  const trickle = async (name: string, bytes: number) => {
    const socket = await open(...put(name, bytes * 10))
    const answered = once(socket, 'data')
    for (let round = 0; round < 10 && socket.writable; round++) {
      socket.write(Buffer.alloc(bytes))
      await sleep(200)
    }
    const [first] = await answered
    socket.destroy()
    return String(first).split(' ')[1]
  }
  expect(await Promise.all([trickle('slow', 10), trickle('fast', 1000)])).toEqual(['408', '201'])
})

test('a client that stops reading is cut, one that reads on gets everything', async () => {
  const size = 30_000_000
  await cloud.call('PUT', '/c/large', { body: Buffer.alloc(size) })
  const get = () =>
    open('GET /v1/AUTH_ann-project/c/large HTTP/1.1', 'Host: x', 'X-Auth-Token: ann', 'Connection: close', '', '')
  const stopped = await get()
  stopped.pause()
  const cut = new Promise((resolve) => {
    logged.on('request', (line: { status: number; method: string }) => {
      if (line.status === 499 && line.method === 'GET') resolve(line)
    })
  })
  expect((await readAll(await get())).length).toBeGreaterThan(size)
  await cut
  await once(stopped.resume(), 'close')
  expect(stopped.bytesRead).toBeLessThan(size)
})

test('a head that is never finished is answered 408 with a transaction id', async () => {
  const text = await readAll(await open('GET /v1/AUTH_ann-project HTTP/1.1', 'Host: x', 'X-A: '))
  expect(text).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
  expect(text).toMatch(/X-Trans-Id: tx[0-9a-f]{21}-[0-9a-f]{10}\r\n/)
})

test('connections beyond the maximum are closed', async () => {
  const small = await openCloud({ proxy: { maxConnections: 2 } })
  const sockets: Socket[] = []
  for (let count = 0; count < 3; count++) {
    const socket = connect(Number(new URL(small.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    sockets.push(socket)
  }
  // The system may hand them to the server in another order.
  await Promise.race(sockets.map((socket) => once(socket.resume(), 'close')))
  expect(sockets.filter(({ closed }) => closed)).toHaveLength(1)
  for (const socket of sockets) socket.destroy()
  await small.close()
})
