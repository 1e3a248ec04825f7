import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { DriverError } from './errors.ts'

/** Reads the bytes of one socket in the lengths that the caller requests. */
export interface ByteStream {
  /**
   * Reads the next bytes directly into `into`, then calls `then`, which must call `expect` for the bytes after them.
   */
  expect(into: Uint8Array, then: () => void): void
  take(length: number): Promise<Buffer>
  /** Sends all pieces together. The caller must not change the bytes until the server has replied. */
  send(...pieces: Uint8Array[]): void
  /** Called once, when nothing can be sent or received any more. */
  onEnd(listener: (error: DriverError) => void): void
  close(): void
}

const readBytes = 1024 * 1024

/** Connects to a unix socket. Rejects with the system's error. */
export async function openByteStream(path: string): Promise<ByteStream> {
  const parser = openParser()
  const buffer = Buffer.allocUnsafe(readBytes)
  // One buffer for all reads: a new one for each would be the greatest cost of a fast socket.
  const onread = {
    buffer,
    callback(length: number) {
      parser.feed(buffer.subarray(0, length))
      return true
    },
  }
  const socket = connect({ path, onread })
  await once(socket, 'connect')
  const ended = watchEnd(socket)
  return {
    ...parser,
    take(length) {
      const bytes = Buffer.alloc(length)
      return new Promise((resolve, reject) => {
        ended.listen(reject)
        parser.expect(bytes, () => resolve(bytes))
      })
    },
    send(...pieces) {
      socket.cork()
      for (const piece of pieces) socket.write(piece)
      socket.uncork()
    },
    onEnd: ended.listen,
    close: () => void socket.destroy(),
  }
}

function watchEnd(socket: Socket): { listen(listener: (error: DriverError) => void): void } {
  const listeners = new Set<(error: DriverError) => void>()
  let problem: DriverError | undefined
  let reason = ''
  socket.on('error', (error) => {
    reason = `: ${error.message}`
  })
  socket.once('close', () => {
    problem = new DriverError('unavailable', `The block server closed the connection${reason}`)
    for (const listener of listeners) listener(problem)
  })
  socket.once('end', () => socket.destroy())
  return {
    listen(listener) {
      if (problem) listener(problem)
      else listeners.add(listener)
    },
  }
}

function openParser(): Pick<ByteStream, 'expect'> & { feed(bytes: Buffer): void } {
  let wanted: { into: Uint8Array; filled: number; then(): void } | null = null
  let unread: Buffer = Buffer.alloc(0)
  let feeding = false

  function feed(bytes: Buffer): void {
    feeding = true
    let at = 0
    while (wanted && (at < bytes.length || wanted.filled === wanted.into.length)) {
      const length = Math.min(wanted.into.length - wanted.filled, bytes.length - at)
      wanted.into.set(bytes.subarray(at, at + length), wanted.filled)
      wanted.filled += length
      at += length
      if (wanted.filled < wanted.into.length) continue
      const { then } = wanted
      wanted = null
      then()
    }
    feeding = false
    // The socket's buffer is overwritten by its next read.
    unread = at < bytes.length ? Buffer.concat([unread, bytes.subarray(at)]) : unread
  }

  return {
    feed,
    expect(into, then) {
      wanted = { into, filled: 0, then }
      if (feeding) return
      const rest = unread
      unread = Buffer.alloc(0)
      feed(rest)
    },
  }
}
