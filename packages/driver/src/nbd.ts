import type { Extent } from './blocks.ts'
import { DriverError, type DriverErrorKind } from './errors.ts'
import { type NbdExport, negotiate } from './nbd-handshake.ts'
import { type ByteStream, openByteStream } from './nbd-stream.ts'

/** A connection to an NBD server. Offsets and lengths are bytes; many requests may be under way at once. */
export interface NbdClient {
  readonly sizeBytes: number
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array): Promise<void>
  /** The range reads as zeros and, where the server can, is not stored. */
  zero(offset: number, length: number): Promise<void>
  flush(): Promise<void>
  /** Returns the allocation from `offset` on, for at most `length` bytes and at least the first piece. */
  allocation(offset: number, length: number): Promise<AllocationPiece[]>
  /** Sends the disconnect request; the server may end. */
  close(): void
}

export interface AllocationPiece extends Extent {
  /** Reads as zeros. */
  zero: boolean
}

// Names and numbers of the NBD protocol: NetworkBlockDevice/nbd, doc/proto.md.
const requestMagic = 0x25609513
const simpleMagic = 0x67446698
const structuredMagic = 0x668e33ef
const command = { read: 0, write: 1, disconnect: 2, flush: 3, writeZeroes: 6, blockStatus: 7 }
const flagReadOnly = 2
const flagFlush = 4
const flagWriteZeroes = 64
const chunk = { data: 1, hole: 2, status: 5, firstError: 2 ** 15 }
const lastChunk = 1
const stateZero = 2
/** The longest chunk that carries no data: qemu describes at most 131,072 extents of 8 bytes in one. */
const longestDescription = 2 * 2 ** 20
/** A multiple of every block size that a 32-bit length can hold. */
const longestRange = 2 ** 30

/** A request without a complete reply. */
interface Pending {
  offset: number
  /** Where a read's bytes go. */
  into: Uint8Array | null
  received: number
  pieces: AllocationPiece[]
  error: DriverError | null
  resolve(): void
  reject(error: DriverError): void
}

interface Connection {
  stream: ByteStream
  exported: NbdExport
  pending: Map<number, Pending>
  cookie: number
  ended: DriverError | null
}

/** Time limit of the connection: a server whose storage does not respond sends nothing. */
const negotiationMs = 60_000

/**
 * Connects to the server at a unix socket and takes its only export. Rejects with DriverError, `unavailable` when the
 * server does not complete the negotiation within `limitMs`, or with the system's error.
 */
export async function connectNbd(path: string, limitMs = negotiationMs): Promise<NbdClient> {
  const stream = await openByteStream(path)
  const late = setTimeout(() => stream.close(), limitMs)
  const exported = await negotiate(stream)
    .catch((error: unknown) => {
      stream.close()
      throw error
    })
    .finally(() => clearTimeout(late))
  const connection: Connection = { stream, exported, pending: new Map(), cookie: 0, ended: null }
  stream.onEnd((error) => {
    connection.ended = error
    for (const request of connection.pending.values()) request.reject(error)
    connection.pending.clear()
  })
  receive(connection)
  return clientOf(connection)
}

function clientOf(connection: Connection): NbdClient {
  const { sizeBytes, flags, maximumBytes, allocationContext } = connection.exported
  const mayWrite = () => {
    if (flags & flagReadOnly) throw new DriverError('invalid', 'The block server was opened for reading only')
  }
  return {
    sizeBytes,
    read: (offset, into) =>
      split(offset, into.length, maximumBytes, (at, length) => {
        const piece = into.subarray(at - offset, at - offset + length)
        return ask(connection, command.read, at, length, { into: piece }).then(() => undefined)
      }),
    async write(offset, data) {
      mayWrite()
      await split(offset, data.length, maximumBytes, (at, length) =>
        ask(connection, command.write, at, length, { data: data.subarray(at - offset, at - offset + length) }),
      )
    },
    async zero(offset, length) {
      mayWrite()
      if ((flags & flagWriteZeroes) === 0) throw new DriverError('unsupported', 'The block server cannot write zeros')
      await split(offset, length, longestRange, (at, part) => ask(connection, command.writeZeroes, at, part))
    },
    async flush() {
      if (flags & flagFlush) await ask(connection, command.flush, 0, 0)
    },
    async allocation(offset, length) {
      if (allocationContext === null) return [{ offset, length, zero: false }]
      return ask(connection, command.blockStatus, offset, Math.min(length, longestRange))
    },
    close() {
      if (!connection.ended) send(connection, command.disconnect, 0, 0, connection.cookie)
      connection.stream.close()
    },
  }
}

/** One after another: a caller that wants several under way asks for shorter ranges. */
async function split(
  offset: number,
  length: number,
  most: number,
  work: (at: number, length: number) => Promise<unknown>,
): Promise<void> {
  for (let at = offset; at < offset + length; at += most) await work(at, Math.min(most, offset + length - at))
}

function ask(
  connection: Connection,
  type: number,
  offset: number,
  length: number,
  bytes: { into?: Uint8Array; data?: Uint8Array } = {},
): Promise<AllocationPiece[]> {
  return new Promise((resolve, reject) => {
    if (connection.ended) return reject(connection.ended)
    connection.cookie = (connection.cookie + 1) % 2 ** 32
    const pieces: AllocationPiece[] = []
    const into = bytes.into ?? null
    const pending: Pending = { offset, into, received: 0, pieces, error: null, resolve: () => resolve(pieces), reject }
    connection.pending.set(connection.cookie, pending)
    send(connection, type, offset, length, connection.cookie, bytes.data)
  })
}

function send(
  { stream }: Connection,
  type: number,
  offset: number,
  length: number,
  cookie: number,
  data?: Uint8Array,
): void {
  const head = Buffer.alloc(28)
  head.writeUInt32BE(requestMagic)
  head.writeUInt16BE(type, 6)
  head.writeUInt32BE(cookie, 12)
  head.writeBigUInt64BE(BigInt(offset), 16)
  head.writeUInt32BE(length, 24)
  if (data) stream.send(head, data)
  else stream.send(head)
}

/** Reads replies until the connection ends; each one starts the read of the next. */
function receive(connection: Connection): void {
  const { stream, pending } = connection
  const head = Buffer.alloc(16)
  const next = (): void =>
    stream.expect(head, () => {
      const magic = head.readUInt32BE(0)
      const request = pending.get(head.readUInt32BE(12))
      if (!request || (magic !== simpleMagic && magic !== structuredMagic)) return stream.close()
      if (magic === structuredMagic) return receiveChunk(connection, request, head, next)
      const code = head.readUInt32BE(4)
      if (code !== 0) request.error = errorOf(code, '')
      finish(connection, request, head, next)
    })
  next()
}

function finish({ pending }: Connection, request: Pending, head: Buffer, next: () => void): void {
  pending.delete(head.readUInt32BE(12))
  if (request.into && !request.error && request.received !== request.into.length)
    request.error = new DriverError('failed', 'The block server sent less than was asked for')
  if (request.error) request.reject(request.error)
  else request.resolve()
  next()
}

function receiveChunk(connection: Connection, request: Pending, head: Buffer, next: () => void): void {
  const { stream } = connection
  const last = (head.readUInt16BE(4) & lastChunk) !== 0
  const type = head.readUInt16BE(6)
  const then = last ? () => finish(connection, request, head, next) : next
  const lengthField = Buffer.alloc(4)
  stream.expect(lengthField, () => {
    const length = lengthField.readUInt32BE(0)
    if (type === chunk.data) return receiveData(stream, request, length, then)
    if (length > longestDescription) return stream.close()
    const body = Buffer.alloc(length)
    stream.expect(body, () => {
      if (type === chunk.hole) fillHole(stream, request, body)
      else if (type === chunk.status) request.pieces.push(...piecesOf(body, request.offset))
      else if (type >= chunk.firstError) request.error = errorOf(body.readUInt32BE(0), messageOf(body))
      then()
    })
  })
}

function receiveData(stream: ByteStream, request: Pending, length: number, then: () => void): void {
  const field = Buffer.alloc(8)
  stream.expect(field, () => {
    const part = partOf(request, field, length - 8)
    if (!part) return stream.close()
    request.received += part.length
    stream.expect(part, then)
  })
}

function fillHole(stream: ByteStream, request: Pending, body: Buffer): void {
  const part = partOf(request, body, body.readUInt32BE(8))
  if (!part) {
    stream.close()
    return
  }
  part.fill(0)
  request.received += part.length
}

/** The part of a read's memory that a chunk is about; undefined when it lies outside. */
function partOf({ into, offset }: Pending, field: Buffer, length: number): Uint8Array | undefined {
  const at = Number(field.readBigUInt64BE(0)) - offset
  return into && at >= 0 && at + length <= into.length ? into.subarray(at, at + length) : undefined
}

function piecesOf(body: Buffer, start: number): AllocationPiece[] {
  const pieces: AllocationPiece[] = []
  let offset = start
  for (let at = 4; at + 8 <= body.length; at += 8) {
    const length = body.readUInt32BE(at)
    pieces.push({ offset, length, zero: (body.readUInt32BE(at + 4) & stateZero) !== 0 })
    offset += length
  }
  return pieces
}

function messageOf(body: Buffer): string {
  return body.length > 6 ? `: ${body.subarray(6, 6 + body.readUInt16BE(4)).toString('utf8')}` : ''
}

const errorKinds: Record<number, DriverErrorKind> = {
  22: 'invalid',
  28: 'no-space',
  95: 'unsupported',
  108: 'unavailable',
}

/** `code` is an errno of the protocol. */
function errorOf(code: number, message: string): DriverError {
  return new DriverError(errorKinds[code] ?? 'failed', `The block server answered error ${code}${message}`)
}
