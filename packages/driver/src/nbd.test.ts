import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { connectNbd } from './nbd.ts'

const folder = mkdtempSync(join(tmpdir(), 'nbd-test-'))
let server: Server | undefined
afterEach(() => void server?.close())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const greeting = Buffer.from('4e42444d4147494349484156454f50540003', 'hex')

/** Listens at a unix socket and hands each connection over. */
async function serve(handle: (socket: Socket) => void): Promise<string> {
  const path = join(mkdtempSync(join(folder, 'server-')), 'socket')
  server = createServer(handle)
  await new Promise<void>((done) => server!.listen(path, done))
  return path
}

/** A reply to an option of the negotiation. */
function reply(type: number, data = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(20)
  head.writeBigUInt64BE(0x3e889045565a9n)
  head.writeUInt32BE(type, 12)
  head.writeUInt32BE(data.length, 16)
  return Buffer.concat([head, data])
}

test('a block server that never completes the negotiation is left after the limit', async () => {
  const path = await serve((socket) => socket.write(greeting))
  await expect(connectNbd(path, 50)).rejects.toMatchObject({ kind: 'unavailable' })
})

test('a block server that sends replies without end is left', async () => {
  const path = await serve((socket) => {
    socket.on('error', () => undefined)
    socket.write(greeting)
    socket.once('data', () => socket.write(Buffer.concat(Array.from({ length: 1000 }, () => reply(3)))))
  })
  await expect(connectNbd(path)).rejects.toMatchObject({ kind: 'failed' })
})

test('a chunk longer than any description of extents ends the connection before memory is taken for it', async () => {
  const info = Buffer.alloc(12)
  info.writeBigUInt64BE(2n ** 30n, 2)
  const chunk = Buffer.alloc(20)
  chunk.writeUInt32BE(0x668e33ef)
  chunk.writeUInt16BE(5, 6)
  chunk.writeUInt32BE(1, 12)
  chunk.writeUInt32BE(2 ** 32 - 1, 16)
  const context = Buffer.alloc(19)
  const replies = [reply(1), Buffer.concat([reply(4, context), reply(1)]), Buffer.concat([reply(3, info), reply(1)])]
  const path = await serve((socket) => {
    socket.on('error', () => undefined)
    socket.write(greeting)
    let asked = 0
    socket.on('data', () => {
      asked += 1
      socket.write(replies[asked - 1] ?? chunk)
    })
  })
  const client = await connectNbd(path)
  const before = process.memoryUsage().arrayBuffers
  await expect(client.allocation(0, 4096)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26)
})
