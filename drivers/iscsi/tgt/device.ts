import { readFile, stat } from 'node:fs/promises'
import { DriverError } from '@hearth/driver'

/** Identity and size of a device: tgtd must open an extended or replaced file again. */
export interface DeviceState {
  inode: string
  size: bigint
  /** Smallest unit of direct reads and writes; null when unknown. */
  logicalBlock: number | null
}

/** Looks at the device or file to offer. Throws `not-found`. */
export async function inspectDevice(path: string): Promise<DeviceState> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw new DriverError('not-found', `There is no device at ${path}`, error)
  })
  const device = found.isBlockDevice() ? found.rdev : found.dev
  return { inode: `${found.dev}:${found.ino}`, size: found.size, logicalBlock: await logicalBlockOf(device) }
}

/** Linux's device numbers are split as in makedev(3); a partition's queue is its disk's. */
async function logicalBlockOf(device: bigint): Promise<number | null> {
  const major = ((device >> 32n) & 0xfffff000n) | ((device >> 8n) & 0xfffn)
  const minor = ((device >> 12n) & 0xffffff00n) | (device & 0xffn)
  for (const queue of ['queue', '../queue']) {
    const path = `/sys/dev/block/${major}:${minor}/${queue}/logical_block_size`
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text) return Number(text)
  }
  return null
}
