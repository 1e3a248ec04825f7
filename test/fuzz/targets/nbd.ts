import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { connectNbd } from '../../../packages/driver/src/nbd.ts'
import { define } from '../target.ts'
import { damage, damages } from '../values.ts'

const greeting = Buffer.from('4e42444d4147494349484156454f50540003', 'hex')
const reply = (option: number, type: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(20)
  head.writeBigUInt64BE(0x3e889045565a9n)
  head.writeUInt32BE(option, 8)
  head.writeUInt32BE(type, 12)
  head.writeUInt32BE(data.length, 16)
  return Buffer.concat([head, data])
}
const exported = Buffer.from('00000000000000100000016d', 'hex')
const handshake = Buffer.concat([
  greeting,
  reply(8, 1, Buffer.alloc(0)),
  reply(10, 4, Buffer.concat([Buffer.from('00000001', 'hex'), Buffer.from('base:allocation')])),
  reply(10, 1, Buffer.alloc(0)),
  reply(7, 3, exported),
  reply(7, 1, Buffer.alloc(0)),
])
const chunk = (flags: number, type: number, cookie: bigint, data: Buffer): Buffer => {
  const head = Buffer.alloc(20)
  head.writeUInt32BE(0x668e33ef)
  head.writeUInt16BE(flags, 4)
  head.writeUInt16BE(type, 6)
  head.writeBigUInt64BE(cookie, 8)
  head.writeUInt32BE(data.length, 16)
  return Buffer.concat([head, data])
}

/** A block server that says anything: the client's calls all end, none reads more than was asked for. */
export const target = define({
  surface: 'process',
  memoryMiB: 400,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'hearth-fuzz-nbd-'))
    const path = join(folder, 'socket')
    let answer: Buffer = Buffer.alloc(0)
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
      socket.end(answer)
      socket.resume()
    })
    await new Promise<void>((done) => server.listen(path, done))
    return {
      cases: fc.record({
        changes: damages,
        chunks: fc.array(
          fc.record({
            flags: fc.constantFrom(0, 1, 2, 65_535),
            type: fc.constantFrom(0, 1, 2, 5, 32_769, 6),
            cookie: fc.constantFrom(0n, 1n, 2n, 2n ** 63n),
            data: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(16))),
          }),
          { maxLength: 4 },
        ),
      }),
      async run({ changes, chunks }) {
        const replies = chunks.map(({ flags, type, cookie, data }) => chunk(flags, type, cookie, Buffer.from(data)))
        answer = damage(Buffer.concat([handshake, ...replies]), changes)
        try {
          const client = await connectNbd(path)
          await Promise.allSettled([client.read(0, new Uint8Array(16)), client.allocation(0, 16), client.flush()])
          client.close()
        } catch (error) {
          if (!(error instanceof Error)) throw error
          if (/TypeError|RangeError/.test(error.name)) throw error
        }
      },
      close() {
        server.close()
        for (const socket of sockets) socket.destroy()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
})
