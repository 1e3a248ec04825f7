/** Bytes of the stream an inspector asked for; `data` grows until `complete`. */
export interface Region {
  readonly offset: number
  readonly length: number
  /** Bytes of the region received so far, from its start. */
  readonly data: Buffer
  readonly complete: boolean
}

/** Keeps chosen byte ranges of a stream that passes once and is never read again. */
export interface Capture {
  /** Asks for a range. Bytes that have already gone by, but for the current chunk, are lost: the region stays short. */
  want(offset: number, length: number): Region
  write(chunk: Buffer): void
  /** Bytes seen so far. */
  readonly total: number
  /** The last bytes seen, at most `tailLength`. */
  readonly tail: Buffer
  /** True while some region still waits for bytes. */
  readonly hungry: boolean
}

/** Enough for a VMDK footer: marker, header copy and end-of-stream marker. */
const tailLength = 1536

interface Open extends Region {
  buffer: Buffer
  filled: number
}

/** Opens an empty set of captured regions. */
export function openCapture(): Capture {
  const regions = new Set<Open>()
  let total = 0
  let current: Buffer = Buffer.alloc(0)
  let currentStart = 0
  let tail: Buffer = Buffer.alloc(0)

  const take = (region: Open) => {
    const next = region.offset + region.filled
    const from = next - currentStart
    if (from < 0) regions.delete(region)
    else if (from < current.length) {
      region.filled += current.copy(region.buffer, region.filled, from, from + region.length - region.filled)
      if (region.complete) regions.delete(region)
    }
  }

  return {
    want(offset, length) {
      const region = openRegion(offset, length)
      regions.add(region)
      take(region)
      return region
    },
    write(chunk) {
      current = chunk
      currentStart = total
      total += chunk.length
      for (const region of regions) take(region)
      const joined = chunk.length >= tailLength ? chunk : Buffer.concat([tail, chunk])
      tail = Buffer.from(joined.subarray(Math.max(0, joined.length - tailLength)))
    },
    get total() {
      return total
    },
    get tail() {
      return tail
    },
    get hungry() {
      return regions.size > 0
    },
  }
}

function openRegion(offset: number, length: number): Open {
  return {
    offset,
    length,
    buffer: Buffer.alloc(length),
    filled: 0,
    get data() {
      return this.buffer.subarray(0, this.filled)
    },
    get complete() {
      return this.filled === this.length
    },
  }
}
