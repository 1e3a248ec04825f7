import { statfs } from 'node:fs/promises'
import { DriverError } from './errors.ts'

/** Space that stays free on each disk for databases and logs: the smaller of the two values. */
export interface ReserveRule {
  mib: number
  percent: number
}

export interface Reserve {
  /** Bytes that may be written below `path` before the reserve is reached; negative when part of it is in use. */
  room(path: string): Promise<number>
  /** Throws DriverError `no-space` when `bytes` more would go into the reserve of the disk that has `path`. */
  ensure(path: string, bytes?: number): Promise<void>
  /** Passes on `data` for a file below `path`; throws like `ensure` as soon as the reserve is reached. */
  within(path: string, data: AsyncIterable<Buffer>): AsyncGenerator<Buffer>
}

export const defaultReserve: ReserveRule = { mib: 256, percent: 2 }

/** Bytes between two checks of the disk: few, because many callers may write at once. */
const stepBytes = 1024 ** 2

/** Opens the check of the free space on this host's disks. */
export function openReserve(rule: ReserveRule = defaultReserve): Reserve {
  const reserve: Reserve = {
    async room(path) {
      const { blocks, bavail, bsize } = await statfs(path)
      return bavail * bsize - Math.min(rule.mib * 1024 ** 2, (blocks * bsize * rule.percent) / 100)
    },
    async ensure(path, bytes = 0) {
      if ((await reserve.room(path)) <= bytes) throw new DriverError('no-space', 'the disk is full up to its reserve')
    },
    async *within(path, data) {
      let unchecked = stepBytes
      for await (const chunk of data) {
        unchecked += chunk.length
        if (unchecked >= stepBytes) {
          await reserve.ensure(path, chunk.length)
          unchecked = 0
        }
        yield chunk
      }
    },
  }
  return reserve
}
