/** Buffers of one size that are reused, so that many readers share a few of them. */
interface Scratch {
  /** Resolves to a buffer, in the order of asking, as soon as one is free. Its content is that of the one before. */
  lend(): Promise<Buffer>
  giveBack(buffer: Buffer): void
}

/** Allocates at most `count` buffers of `size` bytes, each when it is first needed, and keeps them. */
export function openScratch(count: number, size: number): Scratch {
  const free: Buffer[] = []
  const line: ((buffer: Buffer) => void)[] = []
  let made = 0
  return {
    async lend() {
      const buffer = free.pop()
      if (buffer) return buffer
      if (made < count) {
        made++
        return Buffer.allocUnsafeSlow(size)
      }
      return new Promise((resolve) => line.push(resolve))
    },
    giveBack(buffer) {
      const next = line.shift()
      if (next) next(buffer)
      else free.push(buffer)
    },
  }
}
