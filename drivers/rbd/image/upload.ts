import type { Readable } from 'node:stream'
import { DriverError } from '@hearth/driver'
import { call, library } from '../ceph/library.ts'
import type { RbdImage } from '../ceph/librbd.ts'

/** Bytes per write: the usual size of librbd's objects. */
const blockBytes = 4 * 1024 ** 2
/** Most writes in flight; an upload's memory is their blocks and the one being filled. */
const inFlight = 4
const leastGrowth = 64 * 1024 ** 2
const mostGrowth = 8 * 1024 ** 3
const zeros = Buffer.alloc(blockBytes)

/**
 * Writes a stream to a blank image and returns its bytes; skips blocks of zeros. The image grows as data arrives and
 * ends with the stream's size; it is on stable storage on return. `room` runs before each block and throws when space
 * is short.
 */
export async function upload(
  image: RbdImage,
  data: Readable,
  room: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  const writer = openWriter(image, await image.sizeBytes(), room)
  const abort = () => data.destroy(new DriverError('aborted', 'The upload was aborted'))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    for await (const chunk of data as AsyncIterable<Buffer>) await writer.take(chunk)
    return await writer.end()
  } finally {
    signal?.removeEventListener('abort', abort)
    data.destroy()
    await writer.settle()
  }
}

interface Lanes {
  /** Starts a write of `data`, a part of `memory`; returns other memory when the next write may start. */
  start(data: Buffer, memory: Buffer, offset: number): Promise<Buffer>
  /** Waits until all started writes have ended. */
  settled(): Promise<void>
  /** As `settled`; throws the error of the first write that failed. */
  succeeded(): Promise<void>
}

function openLanes(image: RbdImage): Lanes {
  const running = new Set<Promise<void>>()
  const spare: Buffer[] = []
  let failed: { error: unknown } | undefined
  const stopIfFailed = () => {
    if (failed) throw failed.error
  }
  const settled = async () => void (await Promise.all(running))
  return {
    async start(data, memory, offset) {
      const write = async () => {
        try {
          await image.write(offset, data)
          spare.push(memory)
        } catch (error) {
          failed ??= { error }
        }
      }
      const task: Promise<void> = write().finally(() => running.delete(task))
      running.add(task)
      while (running.size >= inFlight) await Promise.race(running)
      stopIfFailed()
      return spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
    },
    settled,
    async succeeded() {
      await settled()
      stopIfFailed()
    },
  }
}

function openWriter(image: RbdImage, sizeBefore: number, room: (bytes: number) => void) {
  const lanes = openLanes(image)
  let size = sizeBefore
  /** Offset of the block that is being filled. */
  let at = 0
  let filled = 0
  let block: Buffer = Buffer.allocUnsafeSlow(blockBytes)

  async function send(): Promise<void> {
    const [data, offset] = [block.subarray(0, filled), at]
    at += filled
    filled = 0
    room(at)
    if (at > size) {
      size = Math.max(at, size + Math.min(mostGrowth, Math.max(leastGrowth, size)))
      await image.grow(size)
    }
    if (data.equals(zeros.subarray(0, data.length))) return
    block = await lanes.start(data, block, offset)
  }
  return {
    async take(chunk: Buffer): Promise<void> {
      for (let from = 0; from < chunk.length; ) {
        const length = Math.min(chunk.length - from, blockBytes - filled)
        chunk.copy(block, filled, from, from + length)
        filled += length
        from += length
        if (filled === blockBytes) await send()
      }
    },
    async end(): Promise<number> {
      if (filled > 0) await send()
      await lanes.succeeded()
      await image.flush()
      if (at !== size) await resize(image, at)
      return at
    },
    settle: lanes.settled,
  }
}

async function resize(image: RbdImage, sizeBytes: number): Promise<void> {
  const mayShrink = true
  const args = [image.handle, sizeBytes, mayShrink, library().noProgress, null]
  await call('rbd_resize2', args, 'cutting an image to its size')
}
