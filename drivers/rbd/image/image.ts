import { type DriverDeps, DriverError, type DriverLog, type ImageStore } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { codeOf, createImage, listImages, withImage } from '../ceph/librbd.ts'
import { connectPool, type PoolConnection, type PoolSettings, poolOptions } from '../ceph/pool-connection.ts'
import { openSpace } from '../ceph/pool-space.ts'
import { renameImage } from '../ceph/renaming.ts'
import { download } from './download.ts'
import { checkImageId, discard, isPartOf, isWhole, partName, sweep } from './removal.ts'
import { upload } from './upload.ts'

export const imageOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ...poolOptions,
    user: { type: 'string', minLength: 1, default: 'glance', description: 'without `client.`' },
    pool: { type: 'string', minLength: 1, default: 'images' },
    objectMiB: {
      type: 'integer',
      enum: [1, 2, 4, 8, 16, 32],
      default: 8,
      description: "size of the objects an image is cut into: Glance's rbd_store_chunk_size",
    },
  },
}

interface Options extends PoolSettings {
  objectMiB: number
}

/** Name of the snapshot that clones are made from. */
const snapshotName = 'snap'
const sweepPauseMs = 600_000

/**
 * Opens an image store of RBD images: each is named by its id and has the protected snapshot `snap`. Locations are
 * those of Glance's own rbd store, `rbd://<fsid>/<pool>/<image id>/snap`, so that block storage can clone images in
 * their pool.
 */
export async function openRbdImage(given: Record<string, unknown>, { log }: DriverDeps): Promise<ImageStore> {
  const options = given as unknown as Options
  const connection = await connectPool(options, log)
  const sweeper = openSweeper(connection, log)
  sweeper.run()
  const named = (location: string) => nameOf(location, connection)
  return {
    async add(imageId, data, sizeHint, signal) {
      try {
        checkImageId(imageId)
        if (signal?.aborted) throw new DriverError('aborted', `The upload of ${imageId} was aborted`)
        const pool = await connection.pool()
        const part = partName(imageId)
        const room = await openSpace(pool, imageId)
        room(sizeHint ?? 0)
        const size = await keep(pool, part, { data, sizeHint, room, options, log, ...(signal ? { signal } : {}) })
        await publish(pool, part, imageId, log)
        const fsid = await pool.cluster.fsid()
        return { location: `rbd://${[fsid, pool.name, imageId, snapshotName].map(encodeURIComponent).join('/')}`, size }
      } catch (error) {
        data.destroy()
        throw error
      }
    },
    async get(location, range) {
      const { pool, imageId } = await named(location)
      return download(pool, imageId, snapshotName, range)
    },
    async delete(location) {
      const { pool, imageId } = await named(location)
      await discard(pool, imageId, log)
      sweeper.run()
    },
    async list() {
      const names = (await listImages(await connection.pool())).map(({ name }) => name)
      return names.filter(isWhole).sort()
    },
    async purge(imageId) {
      const pool = await connection.pool()
      checkImageId(imageId)
      const names = (await listImages(pool)).map(({ name }) => name)
      for (const name of names) if (name === imageId || isPartOf(name, imageId)) await discard(pool, name, log)
    },
    async close() {
      await sweeper.stopped()
      await connection.close()
    },
  }
}

interface Upload {
  data: Parameters<typeof upload>[1]
  sizeHint: number | null
  room(bytes: number): void
  options: Options
  log: DriverLog
  signal?: AbortSignal
}

/** Writes the stream to a new image `part` with its snapshot; returns its bytes. Removes the image on failure. */
async function keep(pool: Pool, part: string, { data, sizeHint, room, options, log, signal }: Upload): Promise<number> {
  const order = Math.log2(options.objectMiB) + 20
  try {
    await createImage(pool, part, sizeHint ?? 0, { order })
    return await withImage(pool, part, {}, async (image) => {
      const size = await upload(image, data, room, signal)
      await image.createSnapshot(snapshotName)
      await image.protectSnapshot(snapshotName)
      return size
    })
  } catch (error) {
    await discard(pool, part, log).catch((problem: unknown) => {
      log.warn({ err: problem, image: part }, 'an unfinished upload stays until its image is purged')
    })
    throw error
  }
}

/** Renames a complete upload to its id. Replaces an image of an earlier attempt whose success was never reported. */
async function publish(pool: Pool, part: string, imageId: string, log: DriverLog): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await renameImage(pool, part, imageId)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || tries > 2) throw error
      await discard(pool, imageId, log)
    }
  }
}

async function nameOf(location: string, connection: PoolConnection): Promise<{ pool: Pool; imageId: string }> {
  const parts = /^rbd:\/\/([^/]+)\/([^/]+)\/([^/]+)\/snap$/.exec(location)?.slice(1).map(decodeURIComponent)
  if (!parts) throw new DriverError('invalid', `${location} is no location of an RBD store`)
  const pool = await connection.pool()
  const [fsid, poolName, imageId] = parts
  if (fsid !== (await pool.cluster.fsid()) || poolName !== pool.name) {
    throw new DriverError('invalid', `${location} is in another cluster or pool than ${pool.name}`)
  }
  return { pool, imageId: checkImageId(imageId!) }
}

/** Sweeps images that were deleted while in use: at the start, and after a deletion at most every ten minutes. */
function openSweeper(connection: PoolConnection, log: DriverLog) {
  let last = Number.NEGATIVE_INFINITY
  let running: Promise<void> = Promise.resolve()
  return {
    run(): void {
      if (Date.now() - last < sweepPauseMs) return
      last = Date.now()
      running = running
        .then(async () => sweep(await connection.pool()))
        .catch((error: unknown) => log.warn({ err: error }, 'the sweep of deleted images failed'))
    },
    stopped: () => running,
  }
}
