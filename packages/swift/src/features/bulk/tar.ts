import { setOwn } from '@hearth/core'
import { refuse } from '../../response.ts'

/** A regular file of an archive; its body must be read, or skipped, before the next one is asked for. */
export interface ArchiveFile {
  path: string
  size: number
  /** Content type and metadata that `tar --xattrs` recorded. */
  attributes: Record<string, string>
  body: AsyncGenerator<Buffer>
}

interface Reader {
  /** Exactly this many bytes, or null at the end. */
  take(length: number): Promise<Buffer | null>
  /** Up to this many bytes. */
  some(length: number): Promise<Buffer | null>
}

function openReader(source: AsyncIterable<Buffer>): Reader {
  const chunks = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  const fill = async (): Promise<boolean> => {
    const { done, value } = await chunks.next()
    if (!done) rest = rest.length === 0 ? value : Buffer.concat([rest, value])
    return !done
  }
  return {
    async take(length) {
      while (rest.length < length) if (!(await fill())) return null
      const taken = rest.subarray(0, length)
      rest = rest.subarray(length)
      return taken
    },
    async some(length) {
      while (rest.length === 0) if (!(await fill())) return null
      const taken = rest.subarray(0, length)
      rest = rest.subarray(taken.length)
      return taken
    },
  }
}

const text = (block: Buffer, from: number, length: number) =>
  block
    .subarray(from, from + length)
    .toString('utf8')
    .split('\0')[0]!

function sizeOf(block: Buffer): number {
  // GNU tar writes sizes over 8 GiB in binary, marked by the top bit.
  if (block[124]! & 0x80) return Number(block.readBigUInt64BE(128))
  return Number.parseInt(text(block, 124, 12).trim() || '0', 8)
}

/** Reads a tar stream: ustar, pax headers and GNU long names. Throws a 400 for what is no archive. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<ArchiveFile> {
  const reader = openReader(source)
  let pax: Record<string, string> = {}
  let longName: string | null = null
  for (;;) {
    const block = await reader.take(512)
    if (!block || block.every((byte) => byte === 0)) return
    if (!hasChecksum(block)) throw refuse(400, 'Invalid Tar File')
    const type = String.fromCharCode(block[156]!)
    const size = sizeOf(block)
    if (type === 'x' || type === 'L' || type === 'g') {
      const body = (await reader.take(padded(size)))?.subarray(0, size)
      if (!body) throw refuse(400, 'Invalid Tar File')
      if (type === 'x') pax = parsePax(body)
      if (type === 'L') longName = body.toString('utf8').split('\0')[0]!
      continue
    }
    const prefix = text(block, 257, 5) === 'ustar' ? text(block, 345, 155) : ''
    const path = pax.path ?? longName ?? (prefix ? `${prefix}/${text(block, 0, 100)}` : text(block, 0, 100))
    const state = { left: pax.size === undefined ? size : Number(pax.size) }
    const pad = padded(state.left) - state.left
    const body = bodyOf(reader, state)
    if (type === '0' || type === '\0') yield { path, size: state.left, attributes: pax, body }
    for await (const _ of bodyOf(reader, state)) {
      // What was not read is skipped.
    }
    await reader.take(pad)
    pax = {}
    longName = null
  }
}

async function* bodyOf(reader: Reader, state: { left: number }): AsyncGenerator<Buffer> {
  while (state.left > 0) {
    const piece = await reader.some(state.left)
    if (!piece) throw refuse(400, 'Invalid Tar File')
    state.left -= piece.length
    yield piece
  }
}

const padded = (size: number) => Math.ceil(size / 512) * 512

function hasChecksum(block: Buffer): boolean {
  let sum = 8 * 32
  block.forEach((byte, index) => {
    if (index < 148 || index >= 156) sum += byte
  })
  return sum === Number.parseInt(text(block, 148, 8).trim(), 8)
}

/** `<length> <key>=<value>\n`, repeated. */
function parsePax(body: Buffer): Record<string, string> {
  const found: Record<string, string> = {}
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(32, at)
    const length = Number(body.subarray(at, space).toString())
    if (space < 0 || !(length > 0)) break
    const record = body.subarray(space + 1, at + length - 1).toString('utf8')
    const equals = record.indexOf('=')
    setOwn(found, record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return found
}
