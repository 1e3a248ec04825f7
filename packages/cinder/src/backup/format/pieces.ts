import type { Blocks, Extent } from '@hearth/driver'
import { pieceBytesFor, piecesUnderWay } from './cut.ts'

/** Bytes of one read; several are under way at once. */
const readBytes = 4 * 1024 * 1024

interface Piece {
  memory: Buffer
  /** Nothing but zeros was ever put into it. */
  clean: boolean
}

/**
 * Yields the first `length` bytes of a volume in large pieces, whose memory is reused. Bytes outside of all extents or
 * beyond the end are zeros, and are not read.
 */
export async function* readPieces(
  { source, length }: { source: Blocks; length: number },
  chunkBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const pieceBytes = pieceBytesFor(chunkBytes)
  const pieces = Array.from(
    { length: piecesUnderWay },
    (): Piece => ({ memory: Buffer.alloc(Math.min(pieceBytes, length)), clean: true }),
  )
  const within = openCursor(source.extents(signal))
  try {
    for (let at = 0, turn = 0; at < length; at += pieceBytes, turn += 1) {
      const piece = pieces[turn % piecesUnderWay]!
      const bytes = piece.memory.subarray(0, Math.min(pieceBytes, length - at))
      const end = Math.min(at + bytes.length, source.sizeBytes)
      await fill(source, bytes, at, await within.overlapping(at, end), piece)
      yield bytes
    }
  } finally {
    await within.close()
  }
}

async function fill(source: Blocks, bytes: Buffer, at: number, extents: Extent[], piece: Piece): Promise<void> {
  let filled = 0
  const reads: Promise<void>[] = []
  for (const { offset, length } of extents) {
    if (!piece.clean) bytes.fill(0, filled, offset - at)
    filled = offset - at + length
    for (let from = offset; from < offset + length; from += readBytes) {
      const to = Math.min(from + readBytes, offset + length)
      reads.push(source.read(from, bytes.subarray(from - at, to - at)))
    }
  }
  if (!piece.clean) bytes.fill(0, filled)
  piece.clean = extents.length === 0
  const failed = (await Promise.allSettled(reads)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** Returns a cursor that finds the parts of the extents within a range; ranges must ascend. */
function openCursor(extents: AsyncIterable<Extent>) {
  const iterator = extents[Symbol.asyncIterator]()
  let present: Extent | null = null
  let ended = false
  return {
    async overlapping(start: number, end: number): Promise<Extent[]> {
      const found: Extent[] = []
      for (;;) {
        if (present && present.offset + present.length > start) {
          const from = Math.max(present.offset, start)
          const to = Math.min(present.offset + present.length, end)
          if (to > from) found.push({ offset: from, length: to - from })
          if (present.offset + present.length >= end) return found
        }
        if (ended) return found
        const { value, done } = await iterator.next()
        ended = done === true
        present = done ? null : value
      }
    },
    close: async () => void (await iterator.return?.()),
  }
}
