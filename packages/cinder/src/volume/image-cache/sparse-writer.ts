import type { Readable } from 'node:stream'
import { type Blocks, writeSparse } from '@hearth/driver'

const blockBytes = 1024 * 1024
const blocksAtOnce = 4

interface Lane {
  memory: Buffer
  writing: Promise<void>
}

/**
 * Writes a stream to the beginning of a volume, several blocks at once, with holes for zeros. Returns the number of
 * bytes; the rest of the volume reads as zeros afterwards. Throws the volume's error for a stream longer than the
 * volume.
 */
export async function writeStream(target: Blocks, data: Readable, targetIsZero: boolean): Promise<number> {
  const lanes = Array.from(
    { length: blocksAtOnce },
    (): Lane => ({ memory: Buffer.allocUnsafeSlow(blockBytes), writing: Promise.resolve() }),
  )
  let failed: { error: unknown } | undefined
  let position = 0
  const flushLane = (lane: Lane, length: number): void => {
    lane.writing = writeSparse(target, position, lane.memory.subarray(0, length), targetIsZero).catch(
      (error: unknown) => {
        failed ??= { error }
      },
    )
    position += length
  }
  let [lane, filled, turn] = [lanes[0]!, 0, 0]
  try {
    for await (const chunk of data as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        const length = Math.min(chunk.length - at, blockBytes - filled)
        chunk.copy(lane.memory, filled, at, at + length)
        at += length
        filled += length
        if (filled < blockBytes) continue
        flushLane(lane, filled)
        turn += 1
        lane = lanes[turn % blocksAtOnce]!
        filled = 0
        await lane.writing
        if (failed) throw failed.error
      }
    }
    if (filled > 0) flushLane(lane, filled)
  } finally {
    await Promise.all(lanes.map(({ writing }) => writing))
  }
  if (failed) throw (failed as { error: unknown }).error
  if (!targetIsZero) await target.zero(position, target.sizeBytes - position)
  await target.flush()
  return position
}
