import { createServer } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { listenOn } from './listen.ts'

const opened: { close(): void }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

function web() {
  const server = createServer((_request, reply) => reply.end('here'))
  opened.push({ close: () => server.close().closeAllConnections() })
  return server
}

const host = '127.0.0.1'
const get = (port: number) => fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } })

const dial = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => resolve(socket))
    socket.once('error', reject)
    opened.push({ close: () => socket.destroy() })
  })

async function listen(maxConnections?: number) {
  const server = web()
  const listening = await listenOn(server, { host, port: 0, ...(maxConnections && { maxConnections }) })
  opened.push({ close: () => void listening.close() })
  return { server, listening }
}

test('every connection of many is served, whichever socket took it', async () => {
  const { listening } = await listen()
  const answers = await Promise.all(Array.from({ length: 100 }, async () => (await get(listening.port)).text()))
  expect(new Set(answers)).toEqual(new Set(['here']))
})

test('several connections are accepted in one turn of the event loop', async () => {
  const { server, listening } = await listen()
  const sockets = Array.from({ length: 100 }, () => dial(listening.port))
  let accepted = 0
  let most = 0
  server.on('connection', () => accepted++)
  while (accepted < 100) {
    const before = accepted
    await turn()
    most = Math.max(most, accepted - before)
  }
  await Promise.all(sockets)
  expect(most).toBeGreaterThan(1)
})

test('a port that another server has is refused, and is free again after closing', async () => {
  const first = await listen()
  const { port } = first.listening
  await expect(listenOn(web(), { host, port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await Promise.all([first.listening.close(), new Promise((resolve) => first.server.close(resolve))])
  const other = createTcpServer()
  opened.push(other)
  await new Promise<void>((resolve) => void other.listen({ host, port }, resolve))
  await expect(listenOn(web(), { host, port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('connections beyond the bound are closed, and one that ends makes room', async () => {
  const { server, listening } = await listen(20)
  let served = 0
  server.on('connection', (socket) => {
    served++
    socket.once('close', () => served--)
  })
  const sockets = await Promise.all(Array.from({ length: 60 }, () => dial(listening.port)))
  const closed = new Set<Socket>()
  for (const socket of sockets) socket.resume().once('close', () => closed.add(socket))
  await expect.poll(() => closed.size).toBe(40)
  expect(served).toBe(20)
  for (const socket of sockets) socket.destroy()
  await expect.poll(() => served).toBe(0)
  expect(await (await get(listening.port)).text()).toBe('here')
})

test('closing waits for the requests under way', async () => {
  let answer = (): void => undefined
  const server = createServer((_request, reply) => {
    answer = () => reply.end('late')
  })
  const listening = await listenOn(server, { host, port: 0 })
  const asked = Array.from({ length: 8 }, () => get(listening.port).then((response) => response.text()))
  const answers: (() => void)[] = []
  server.on('request', () => answers.push(answer))
  await expect.poll(() => answers.length).toBe(8)
  let over = false
  const closed = Promise.all([listening.close(), new Promise((resolve) => server.close(resolve))]).then(() => {
    over = true
  })
  await turn()
  expect(over).toBe(false)
  for (const send of answers) send()
  expect(await Promise.all(asked)).toEqual(Array(8).fill('late'))
  await closed
})
