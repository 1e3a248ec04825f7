import type { Readable } from 'node:stream'

/** One piece of a stream, to be read once. */
interface Piece {
  bytes(): AsyncGenerator<Buffer>
  /** Bytes read so far. */
  size(): number
}

/** Cuts a stream into pieces of chosen lengths. Holds at most one chunk in memory. */
interface Cutter {
  /** The next piece; the one before must have been read to its end. */
  next(length: number): Piece
  /** True when no byte is left. Throws what the stream threw. */
  ended(): Promise<boolean>
}

/** Opens a cutter of the stream. */
export function openCutter(data: Readable): Cutter {
  const source = data[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let held: Buffer | null = null
  const pull = async (): Promise<Buffer | null> => {
    while (!held || held.length === 0) {
      const { done, value } = await source.next()
      if (done) return null
      held = value
    }
    return held
  }
  return {
    ended: async () => (await pull()) === null,
    next(length) {
      let size = 0
      return {
        size: () => size,
        async *bytes() {
          while (size < length) {
            const chunk = await pull()
            if (!chunk) return
            const part = chunk.subarray(0, length - size)
            held = chunk.subarray(part.length)
            size += part.length
            yield part
          }
        },
      }
    },
  }
}
