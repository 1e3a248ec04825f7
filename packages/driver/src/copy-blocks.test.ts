import { describe, expect, test } from 'vitest'
import type { Blocks, Extent } from './blocks.ts'
import { copyBlocks } from './copy-blocks.ts'

const mib = 1024 ** 2

interface Watched extends Blocks {
  bytes: Buffer
  calls: { read: number; written: number; zeroed: number; flushes: number }
  /** Most reads and writes that were under way at one time. */
  busiest: number
}

/** Blocks in memory that count the calls; `extents` scans for non-zero bytes. */
function memoryBlocks(bytes: Buffer, known?: Extent[]): Watched {
  const calls = { read: 0, written: 0, zeroed: 0, flushes: 0 }
  let busy = 0
  const slowly = async (work: () => void): Promise<void> => {
    busy += 1
    watched.busiest = Math.max(watched.busiest, busy)
    await new Promise((resolve) => setImmediate(resolve))
    work()
    busy -= 1
  }
  const watched: Watched = {
    ...{ bytes, calls, busiest: 0, sizeBytes: bytes.length },
    read: (offset, into) =>
      slowly(() => {
        calls.read += into.length
        into.set(bytes.subarray(offset, offset + into.length))
      }),
    write: (offset, data) =>
      slowly(() => {
        calls.written += data.length
        bytes.set(data, offset)
      }),
    zero: (offset, length) =>
      slowly(() => {
        calls.zeroed += length
        bytes.fill(0, offset, offset + length)
      }),
    async flush() {
      calls.flushes += 1
    },
    async *extents() {
      yield* known ?? [{ offset: 0, length: bytes.length }]
    },
    close: async () => undefined,
  }
  return watched
}

/** 16 MiB with data at 1–3 MiB and at 10–10.5 MiB. */
function sparseSource(): { bytes: Buffer; extents: Extent[] } {
  const bytes = Buffer.alloc(16 * mib)
  const extents = [
    { offset: mib, length: 2 * mib },
    { offset: 10 * mib, length: mib / 2 },
  ]
  for (const { offset, length } of extents) bytes.fill(offset / mib, offset, offset + length)
  return { bytes, extents }
}

describe('copying blocks', () => {
  test('reads only what may hold data and writes nothing else over a target of zeros', async () => {
    const { bytes, extents } = sparseSource()
    const source = memoryBlocks(bytes, extents)
    const target = memoryBlocks(Buffer.alloc(16 * mib))
    await copyBlocks(source, target, { targetIsZero: true })
    expect(target.bytes.equals(bytes)).toBe(true)
    expect(source.calls.read).toBe(2.5 * mib)
    expect(target.calls).toMatchObject({ written: 2.5 * mib, zeroed: 0 })
  })

  test('leaves runs of zeros inside an extent out', async () => {
    const { bytes } = sparseSource()
    const target = memoryBlocks(Buffer.alloc(16 * mib))
    await copyBlocks(memoryBlocks(bytes), target, { targetIsZero: true })
    expect(target.bytes.equals(bytes)).toBe(true)
    expect(target.calls.written).toBe(2.5 * mib)
  })

  test('makes old bytes of the target zeros, between the extents and beyond the source', async () => {
    const { bytes, extents } = sparseSource()
    const target = memoryBlocks(Buffer.alloc(20 * mib, 0xff))
    await copyBlocks(memoryBlocks(bytes, extents), target, { targetIsZero: false })
    expect(target.bytes.equals(Buffer.concat([bytes, Buffer.alloc(4 * mib)]))).toBe(true)
    expect(target.calls.zeroed).toBe(17.5 * mib)
  })

  test('has no more blocks under way than it may', async () => {
    const source = memoryBlocks(Buffer.alloc(16 * mib, 1))
    const target = memoryBlocks(Buffer.alloc(16 * mib))
    await copyBlocks(source, target, { targetIsZero: true, blockBytes: 256 * 1024, inFlight: 3 })
    expect(target.bytes.equals(source.bytes)).toBe(true)
    expect(Math.max(source.busiest, target.busiest)).toBeLessThanOrEqual(3)
    expect(source.busiest).toBeGreaterThan(1)
  })

  test('goes on from where an earlier copy had flushed, with nothing missing', async () => {
    const source = memoryBlocks(Buffer.from(Array.from({ length: 16 * mib }, (_, n) => (n >> 16) % 251)))
    const target = memoryBlocks(Buffer.alloc(16 * mib))
    const stop = new AbortController()
    let reached = 0
    const halfway = copyBlocks(source, target, {
      ...{ targetIsZero: true, signal: stop.signal, blockBytes: mib, inFlight: 2, progressBytes: 2 * mib },
      onProgress(offset) {
        expect(target.calls.flushes).toBeGreaterThan(0)
        reached = offset
        if (offset >= 6 * mib) stop.abort()
      },
    })
    await expect(halfway).rejects.toMatchObject({ kind: 'aborted' })
    expect(reached).toBeGreaterThanOrEqual(6 * mib)
    expect(reached).toBeLessThan(16 * mib)
    // A crash may lose all bytes after the last report.
    target.bytes.fill(0, reached)
    const before = source.calls.read
    await copyBlocks(source, target, { targetIsZero: true, from: reached })
    expect(target.bytes.equals(source.bytes)).toBe(true)
    expect(source.calls.read - before).toBe(16 * mib - reached)
  })

  test('refuses a target that is too small before it reads', async () => {
    const source = memoryBlocks(Buffer.alloc(2 * mib, 1))
    const copy = copyBlocks(source, memoryBlocks(Buffer.alloc(mib)), { targetIsZero: true })
    await expect(copy).rejects.toMatchObject({ kind: 'invalid' })
    expect(source.calls.read).toBe(0)
  })

  test('ends with the failure of a write, and nothing is under way any more', async () => {
    const target = memoryBlocks(Buffer.alloc(16 * mib))
    let running = 0
    const write: Blocks['write'] = async (offset, data) => {
      running += 1
      await target.write(offset, data)
      running -= 1
      if (offset === 4 * mib) throw new Error('the disk is gone')
    }
    const copy = copyBlocks(memoryBlocks(Buffer.alloc(16 * mib, 1)), { ...target, write }, { targetIsZero: true })
    await expect(copy).rejects.toThrow('the disk is gone')
    expect(running).toBe(0)
  })
})
