import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, freshClient, until } from '../client.ts'
import { type Started, start } from '../start.ts'
import { residentMiB } from './memory.ts'
import { dial, head, hear, pump } from './raw.ts'
import { longestHealthMs } from './watch.ts'

const mebibyte = 2 ** 20
const clients = 60
const mostMs = longestHealthMs

let own: Started
let owner: Client
beforeAll(async () => {
  own = await start({ config: { object: { clientTimeoutSeconds: 2, minimumUploadRate: 1000 } } })
  owner = await freshClient(own.urls, own.admin)
  await owner.must('object', 'PUT', '/c', { headers: { 'x-container-read': '.r:*' } })
  await owner.must('object', 'PUT', '/c/large', { body: Buffer.alloc(40 * mebibyte) })
})
afterAll(() => own?.close())

const path = (name: string) => `/v1/AUTH_${owner.projectId}/c/${name}`

/** Milliseconds that the health check of the object store takes. */
async function health(): Promise<number> {
  const begun = performance.now()
  await fetch(`${own.urls.object}/healthcheck`)
  return performance.now() - begun
}

test('clients that stop reading are cut, and what was held for them is free', async () => {
  const before = residentMiB(own.pid)
  const sockets = await Promise.all(Array.from({ length: clients }, () => dial(own.urls.object)))
  for (const socket of sockets) socket.pause().write(head(`GET ${path('large')}`))
  // The server has ended a connection when bytes sent to it are met by a reset.
  const over = () => {
    for (const socket of sockets) if (socket.writable) socket.write('\r\n')
    return Promise.resolve(sockets.filter((socket) => !socket.destroyed).length)
  }
  expect(await until(over, (open) => open === 0, 40)).toBe(0)
  expect(await health()).toBeLessThan(mostMs)
  expect(residentMiB(own.pid) - before).toBeLessThan(250)
})

test('clients that trickle are answered 408, and nothing of theirs is stored', async () => {
  const answers = await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const socket = await dial(own.urls.object)
      const headers = [`X-Auth-Token: ${owner.token}`, 'Content-Length: 1000000']
      socket.write(head(`PUT ${path(`slow-${index}`)}`, ...headers))
      const timer = setInterval(() => void pump(socket, 'x'), 300)
      const answer = await hear(socket, /\r\n\r\n/)
      clearInterval(timer)
      socket.destroy()
      return answer.split('\r\n')[0]
    }),
  )
  expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 408 Request Timeout']))
  expect(await health()).toBeLessThan(mostMs)
  expect((await owner.must('object', 'GET', '/c')).bytes.toString()).toBe('large\n')
})

test('heads that never end are answered 408', async () => {
  const answers = await Promise.all(
    Array.from({ length: clients }, async () => {
      const socket = await dial(own.urls.object)
      socket.write(`GET ${path('large')} HTTP/1.1\r\nHost: x\r\nX-A: `)
      const timer = setInterval(() => void pump(socket, 'x'), 300)
      const answer = await hear(socket)
      clearInterval(timer)
      return /\r\nX-Trans-Id: tx/.test(answer) ? answer.split('\r\n')[0] : answer
    }),
  )
  expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 408 Request Timeout']))
  expect(await health()).toBeLessThan(mostMs)
})
