import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { glanceErrors } from '../errors.ts'

/** Bytes on their way in, one file an image, on this host. */
export interface Staging {
  /** Writes the stream durably. Throws StorageFull (413), OverLimit (413) past `cap` bytes, or what the stream threw. */
  write(imageId: string, data: AsyncIterable<Buffer>, cap: number): Promise<number>
  read(imageId: string): Readable
  /** Bytes, null when nothing is staged here. */
  size(imageId: string): Promise<number | null>
  remove(imageId: string): Promise<void>
  list(): Promise<string[]>
}

export async function openStaging(folder: string): Promise<Staging> {
  await mkdir(folder, { recursive: true })
  const pathOf = (imageId: string) => join(folder, imageId)
  return {
    async write(imageId, data, cap) {
      const file = await open(pathOf(imageId), 'w')
      let size = 0
      try {
        for await (const chunk of data) {
          size += chunk.length
          if (size > cap) throw glanceErrors.OverLimit({ reason: `Image exceeds the size cap of ${cap} bytes` })
          await file.writev([chunk])
        }
        await file.datasync()
        return size
      } catch (error) {
        throw (error as { code?: string }).code === 'ENOSPC'
          ? glanceErrors.StorageFull({ reason: 'no space left for staging' }, error)
          : error
      } finally {
        await file.close()
      }
    },
    read: (imageId) => createReadStream(pathOf(imageId), { highWaterMark: 1024 * 1024 }),
    async size(imageId) {
      const found = await stat(pathOf(imageId)).catch(() => null)
      return found?.size ?? null
    },
    remove: (imageId) => rm(pathOf(imageId), { force: true }),
    list: () => readdir(folder),
  }
}
