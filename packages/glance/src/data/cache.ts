import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { finished as streamEnd } from 'node:stream/promises'
import type { Logger } from '@hearth/core'
import type { Reserve } from '@hearth/driver'
import type { Image } from '../model/images/image.ts'
import type { Hashing } from './hashing.ts'

/** Record of one cached image. Times in milliseconds. */
interface CachedImage {
  imageId: string
  size: number
  hits: number
  lastAccessed: number
  lastModified: number
  checksum: string | null
}

/** Copies of images on this host, complete ones only, the least used given up when room is short. */
export interface ImageCache {
  list(): CachedImage[]
  queued(): string[]
  /** The cached bytes, null when the image is not here; counts as a use. */
  read(imageId: string, range: { offset: number; length: number } | null): Readable | null
  /** The same stream, kept while it passes; a broken or differing one is not kept. */
  keep(image: Image, data: Readable): Readable
  /** Reads an image into the cache by `fetch`, without a client. */
  queue(image: Image, fetch: () => Promise<Readable>): void
  remove(imageId: string): Promise<void>
  clearQueue(): void
  /** Removes the least used images until all fit. Returns the number of images and bytes removed. */
  prune(): Promise<{ files: number; bytes: number }>
  close(): Promise<void>
}

interface CacheDeps {
  hashing: Hashing
  log: Logger
  /** Space that the disk keeps free. */
  reserve: Reserve
  /** Bytes. */
  maxSize: number
}

/** Opens the cache in a folder, and removes unfinished files of an earlier run. */
export async function openImageCache(folder: string, deps: CacheDeps): Promise<ImageCache> {
  const shelf = await openShelf(folder, deps.maxSize)
  const tee = (image: Image, data: Readable) => copyAside(image, data, shelf, deps)
  const queue = openQueue(deps)
  return {
    list: () => [...shelf.cached.values()],
    queued: queue.ids,
    read(imageId, range) {
      const entry = shelf.cached.get(imageId)
      if (!entry) return null
      entry.hits += 1
      entry.lastAccessed = Date.now()
      const part = range ? { start: range.offset, end: range.offset + range.length - 1 } : {}
      return createReadStream(shelf.pathOf(imageId), { ...part, highWaterMark: 1024 * 1024 })
    },
    keep(image, data) {
      const fits = image.size !== null && image.size <= deps.maxSize
      return fits && !shelf.has(image.id) ? tee(image, data) : data
    },
    queue(image, fetch) {
      if (shelf.cached.has(image.id)) return
      queue.add(image.id, async () => {
        if (!shelf.has(image.id)) await streamEnd(tee(image, await fetch()).resume())
      })
    },
    async remove(imageId) {
      queue.drop(imageId)
      await shelf.remove(imageId)
    },
    clearQueue: queue.clear,
    prune: shelf.prune,
    close: queue.close,
  }
}

/** Work to be done one after another, each under the id of its image. */
function openQueue({ log }: Pick<CacheDeps, 'log'>) {
  const waiting = new Map<string, () => Promise<void>>()
  let fetching: Promise<void> = Promise.resolve()
  const next = async (imageId: string) => {
    await waiting
      .get(imageId)?.()
      .catch((error: unknown) => {
        log.warn({ err: error, imageId }, 'an image could not be fetched into the cache')
      })
    waiting.delete(imageId)
  }
  return {
    ids: () => [...waiting.keys()],
    add(imageId: string, work: () => Promise<void>) {
      if (waiting.has(imageId)) return
      waiting.set(imageId, work)
      fetching = fetching.then(() => next(imageId))
    },
    drop: (imageId: string) => waiting.delete(imageId),
    clear: () => waiting.clear(),
    async close() {
      waiting.clear()
      await fetching
    },
  }
}

/** The files and their records. */
interface Shelf {
  cached: Map<string, CachedImage>
  /** Being copied; an image removed meanwhile is taken out and its copy dropped. */
  filling: Set<string>
  has(imageId: string): boolean
  pathOf(imageId: string): string
  unfinishedPath(imageId: string): string
  commit(image: Image, size: number): Promise<void>
  remove(imageId: string): Promise<void>
  prune(): Promise<{ files: number; bytes: number }>
}

async function openShelf(folder: string, maxSize: number): Promise<Shelf> {
  const incomplete = join(folder, 'incomplete')
  await rm(incomplete, { recursive: true, force: true })
  await mkdir(incomplete, { recursive: true })
  const cached = await readCached(folder)
  const filling = new Set<string>()
  const shelf: Shelf = {
    cached,
    filling,
    has: (imageId) => cached.has(imageId) || filling.has(imageId),
    pathOf: (imageId) => join(folder, imageId),
    unfinishedPath: (imageId) => join(incomplete, imageId),
    async commit({ id, checksum }, size) {
      await rename(shelf.unfinishedPath(id), shelf.pathOf(id))
      const now = Date.now()
      cached.set(id, { imageId: id, size, hits: 0, lastAccessed: now, lastModified: now, checksum })
      await shelf.prune()
    },
    async remove(imageId) {
      cached.delete(imageId)
      filling.delete(imageId)
      await rm(shelf.pathOf(imageId), { force: true })
    },
    async prune() {
      const gone = { files: 0, bytes: 0 }
      let total = [...cached.values()].reduce((sum, each) => sum + each.size, 0)
      for (const each of [...cached.values()].sort((a, b) => a.lastAccessed - b.lastAccessed)) {
        if (total <= maxSize) break
        await shelf.remove(each.imageId)
        total -= each.size
        gone.files += 1
        gone.bytes += each.size
      }
      return gone
    },
  }
  return shelf
}

async function readCached(folder: string): Promise<Map<string, CachedImage>> {
  const cached = new Map<string, CachedImage>()
  for (const name of await readdir(folder)) {
    const found = await stat(join(folder, name))
    if (!found.isFile()) continue
    const { size, atimeMs: lastAccessed, mtimeMs: lastModified } = found
    cached.set(name, { imageId: name, size, hits: 0, lastAccessed, lastModified, checksum: null })
  }
  return cached
}

/** Passes a stream on and writes it to `path` meanwhile. Trouble with the copy never disturbs the reader. */
function copyAside(image: Image, data: Readable, shelf: Shelf, deps: CacheDeps): Readable {
  const { filling } = shelf
  const path = shelf.unfinishedPath(image.id)
  filling.add(image.id)
  const hash = deps.hashing.open()
  const write = async function* () {
    const room = await deps.reserve.room(dirname(path)).catch(() => 0)
    let file = room > (image.size ?? 0) ? await open(path, 'w').catch(() => null) : null
    let size = 0
    let finished = false
    try {
      for await (const chunk of data as AsyncIterable<Buffer>) {
        size += chunk.length
        await hash.write(chunk)
        const written = await file?.write(chunk).catch(() => null)
        if (file && !written) {
          await file.close()
          file = null
        }
        yield chunk
      }
      const { md5 } = await hash.finish()
      finished = true
      const wanted = file !== null && filling.has(image.id)
      const whole = wanted && size === image.size && (image.checksum === null || md5 === image.checksum)
      if (whole) await shelf.commit(image, size)
      else deps.log.warn({ imageId: image.id }, 'an image was not cached: it differs, or there is no room')
    } finally {
      if (!finished) hash.abandon()
      await file?.close()
      await rm(path, { force: true })
      filling.delete(image.id)
    }
  }
  return Readable.from(write(), { objectMode: false })
}
