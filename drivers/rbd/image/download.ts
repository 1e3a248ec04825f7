import { Readable } from 'node:stream'
import { DriverError } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { openImage, type RbdImage } from '../ceph/librbd.ts'

const blockBytes = 4 * 1024 ** 2
const inFlight = 4

/**
 * Streams the bytes of a snapshot, or a range of them cut at its end, and reads a few blocks ahead. Throws `not-found`.
 * If the image is deleted meanwhile, the stream fails before its last block: missing objects would read as zeros.
 */
export async function download(
  pool: Pool,
  name: string,
  snapshot: string,
  range?: { offset: number; length: number },
): Promise<Readable> {
  const image = await openImage(pool, name, { snapshot, readOnly: true })
  try {
    const size = await image.sizeBytes()
    const offset = Math.min(range?.offset ?? 0, size)
    const end = Math.min(size, offset + (range?.length ?? size))
    const stillThere = async () =>
      (await openImage(pool, await image.id(), { snapshot, readOnly: true, byId: true })).close()
    return Readable.from(blocksOf(image, offset, end, stillThere), { objectMode: false, highWaterMark: blockBytes })
  } catch (error) {
    await image.close()
    throw error
  }
}

async function* blocksOf(
  image: RbdImage,
  offset: number,
  end: number,
  stillThere: () => Promise<void>,
): AsyncGenerator<Buffer, void> {
  const reading: Promise<Buffer>[] = []
  let next = offset
  const readAhead = () => {
    while (reading.length < inFlight && next < end) {
      const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, end - next))
      const work = image.read(next, block).then(() => block)
      // The loop awaits it later; until then a rejection must not count as unhandled.
      work.catch(() => undefined)
      reading.push(work)
      next += block.length
    }
  }
  try {
    for (readAhead(); reading.length > 0; readAhead()) {
      const block = await reading[0]!
      reading.shift()
      if (reading.length === 0 && next === end) await checked(stillThere())
      yield block
    }
  } finally {
    await Promise.allSettled(reading)
    await image.close()
  }
}

async function checked(work: Promise<void>): Promise<void> {
  await work.catch((cause: unknown) => {
    throw new DriverError('not-found', 'The image was deleted while it was read', cause)
  })
}
