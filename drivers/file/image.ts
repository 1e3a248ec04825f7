import { createWriteStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type DriverDeps, DriverError, type ImageStore, openReserve } from '@hearth/driver'
import { mapped, openFolder, whileThere } from './folder.ts'

export const imageOptions = {
  type: 'object',
  additionalProperties: false,
  required: ['folder'],
  properties: { folder: { type: 'string', minLength: 1 } },
}

const blockBytes = 1024 ** 2

/** Images as files of one folder, each named by its image's id. Locations are `file:` URLs, as Glance's are. */
export async function openFileImage(options: Record<string, unknown>, deps: DriverDeps): Promise<ImageStore> {
  const reserve = deps.reserve ?? openReserve()
  const folder = await openFolder(options.folder as string)
  return whileThere(folder, {
    check: () => folder.ensureThere(),
    async add(imageId, data, sizeHint, signal) {
      try {
        if (signal?.aborted) throw new DriverError('aborted', `The upload of ${imageId} was aborted`)
        const free = await mapped(reserve.room(folder.path))
        if (free <= 0 || (sizeHint !== null && sizeHint > free)) {
          throw new DriverError(
            'no-space',
            `No room for the ${sizeHint ?? 'unknown number of'} bytes of ${imageId}: ${Math.max(free, 0)} are free`,
          )
        }
        await folder.make(imageId, (partial) =>
          pipeline(
            data,
            (source: AsyncIterable<Buffer>) => reserve.within(folder.path, source),
            createWriteStream(partial, { flags: 'wx', mode: 0o600, highWaterMark: blockBytes }),
            {
              ...(signal ? { signal } : {}),
            },
          ),
        )
      } catch (error) {
        data.destroy()
        throw error
      }
      const path = folder.pathOf(imageId)
      return { location: pathToFileURL(path).href, size: (await mapped(stat(path))).size }
    },
    async get(location, range) {
      const file = await mapped(open(folder.pathOf(idOf(location)), 'r'))
      if (range?.length === 0) {
        await file.close()
        return Readable.from([])
      }
      const part = range ? { start: range.offset, end: range.offset + range.length - 1 } : {}
      return file.createReadStream({ ...part, highWaterMark: blockBytes })
    },
    delete: (location) => folder.remove(idOf(location)),
    list: () => folder.names(),
    async purge(imageId) {
      await folder.removeUnfinished(imageId)
      await folder.remove(imageId)
    },
  })
}

/** Only the last part counts: the folder may have moved since, and no location leads out of it. */
function idOf(location: string): string {
  try {
    return basename(fileURLToPath(location))
  } catch (error) {
    throw new DriverError('invalid', `${location} is no location of a file store`, error)
  }
}
