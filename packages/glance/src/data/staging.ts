import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { isDiskFull } from '@hearth/core'
import { isDriverError, type Reserve } from '@hearth/driver'
import { glanceErrors } from '../model/errors.ts'

/** Bytes on their way in, one file an image, on this host. */
export interface Staging {
  /**
   * Writes the stream durably. Throws StorageFull (413), OverLimit (413) above `cap` bytes, or the error of the stream.
   */
  write(imageId: string, data: AsyncIterable<Buffer>, cap: number): Promise<number>
  read(imageId: string): Readable
  /** Bytes, null when nothing is staged here. */
  size(imageId: string): Promise<number | null>
  remove(imageId: string): Promise<void>
  list(): Promise<string[]>
}

/** Opens the folder, made when missing. Writing stops when the disk is full up to `reserve`. */
export async function openStaging(folder: string, reserve: Reserve): Promise<Staging> {
  await mkdir(folder, { recursive: true })
  const pathOf = (imageId: string) => join(folder, imageId)
  return {
    async write(imageId, data, cap) {
      let file: FileHandle | undefined
      let size = 0
      try {
        await reserve.ensure(folder)
        file = await open(pathOf(imageId), 'w')
        for await (const chunk of reserve.within(folder, data)) {
          size += chunk.length
          if (size > cap) throw glanceErrors.OverLimit({ reason: `Image exceeds the size cap of ${cap} bytes` })
          await file.writev([chunk])
        }
        await file.datasync()
        return size
      } catch (error) {
        const isFull = isDiskFull(error) || (isDriverError(error) && error.kind === 'no-space')
        throw isFull ? glanceErrors.StorageFull({ reason: 'no space left for staging' }, error) : error
      } finally {
        await file?.close()
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

/** Replaces the name of a store while bytes are in the staging folder. */
export const stagingStore = 'os_glance_staging_store'
