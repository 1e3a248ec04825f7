import { createRequire } from 'node:module'
import { Readable, type Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { release } from './chunk.ts'

type Chunker = (chunkBytes: number, options: { flush: boolean }) => Transform
const streamChunker = createRequire(import.meta.url)('stream-chunker') as Chunker

const smallestPiece = 16 * 1024 * 1024

/**
 * Returns the size, in bytes, of the pieces to feed for chunks of this size. The library copies its buffer on each
 * write, so small pieces make it many times slower (18 MiB/s with pieces of 64 KiB, 1290 MiB/s with 4 MiB, for chunks
 * of 32 MiB); halves of a chunk cost little.
 */
export function pieceBytesFor(chunkBytes: number): number {
  const half = Math.ceil(chunkBytes / 2)
  return half >= smallestPiece ? half : Math.max(1, Math.floor(smallestPiece / chunkBytes)) * chunkBytes
}

/** Pieces that may be under way at once: the memory of a piece may be reused after this many later pieces. */
export const piecesUnderWay = 3

/**
 * Cuts a stream into chunks of `chunkBytes`, the last one shorter, and passes each to `take`, the next one after its
 * promise settles. Feed pieces of `pieceBytesFor(chunkBytes)`. A chunk's memory is invalid once the next one is passed.
 */
export async function cutStream(
  pieces: AsyncIterable<Buffer>,
  chunkBytes: number,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  let before: Buffer | undefined
  const taker = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      // The library holds on to its last buffer only, and by now that is another.
      if (before && before.byteLength === before.buffer.byteLength) release(before)
      before = chunk
      take(chunk).then(
        () => done(),
        (error: Error) => done(error),
      )
    },
  })
  await pipeline(
    Readable.from(pieces, { objectMode: false, highWaterMark: 1 }),
    streamChunker(chunkBytes, { flush: true }),
    taker,
  )
}
