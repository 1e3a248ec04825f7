import { randomFillSync } from 'node:crypto'
import { rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StorageError } from '../errors.ts'

/** A file that takes up space and is given up on a full disk, so that the index can note deletions. */
export const reserveFile = 'reserve'

/** Bytes that the index and its log may need while objects are deleted. */
const leastReserve = 32 * 1024 * 1024
const largestFile = 8 * 1024 * 1024

/** Makes the reserve file of a device when it is missing and there is room: 8 MiB, less on a disk under 512 MiB. */
export async function fillReserve(folder: string): Promise<void> {
  const path = join(folder, reserveFile)
  const disk = await statfs(folder)
  const size = Math.min(largestFile, Math.floor((disk.blocks * disk.bsize) / 64))
  const found = await stat(path).catch(() => null)
  if ((found?.size ?? 0) >= size || disk.bavail * disk.bsize < 4 * size) return
  // Random, because some file systems store zeros in no space at all.
  await writeFile(path, randomFillSync(Buffer.allocUnsafe(size)), { mode: 0o600 }).catch(async () => {
    await rm(path, { force: true })
  })
}

/**
 * Returns a check that throws StorageError `full` for a write that would leave less than `reserve` bytes (default 1 %,
 * at least 32 MiB). Reads the free space at most every 200 ms.
 */
export function roomCheck(folder: string, reserve: number | undefined): (size: number) => Promise<void> {
  let free = 0
  let lookedUp = Number.NEGATIVE_INFINITY
  return async (size) => {
    if (performance.now() - lookedUp > 200) {
      const disk = await statfs(folder)
      free = disk.bavail * disk.bsize - (reserve ?? Math.max(leastReserve, disk.blocks * disk.bsize * 0.01))
      lookedUp = performance.now()
    }
    free -= size
    if (free >= 0) return
    free += size
    throw new StorageError('full', `no space left on ${folder} for ${size} bytes`)
  }
}
