import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'

const block = 64 * 1024
const zeros = Buffer.alloc(block)

/**
 * Writes a stream over a file that reads as zeros, leaving blocks of zeros out, so that the file stays sparse. Answers the
 * bytes read. The file's size is not changed.
 */
export async function writeSparse(file: FileHandle, data: Readable): Promise<number> {
  let position = 0
  for await (const chunk of data as AsyncIterable<Buffer>) {
    let from = 0
    while (from < chunk.length) {
      // Runs of non-zero blocks are written with one call.
      const to = endOfRun(chunk, from)
      if (to > from) await writeAll(file, chunk.subarray(from, to), position + from)
      from = skipZeros(chunk, to)
    }
    position += chunk.length
  }
  return position
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < data.length) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done)
    done += bytesWritten
  }
}

function isZero(chunk: Buffer, from: number): boolean {
  const end = Math.min(from + block, chunk.length)
  return chunk.compare(zeros, 0, end - from, from, end) === 0
}

function endOfRun(chunk: Buffer, from: number): number {
  let at = from
  while (at < chunk.length && !isZero(chunk, at)) at += block
  return Math.min(at, chunk.length)
}

function skipZeros(chunk: Buffer, from: number): number {
  let at = from
  while (at < chunk.length && isZero(chunk, at)) at += block
  return Math.min(at, chunk.length)
}
