import { DriverError, type ImageLocations, type SnapshotRef, type VolumeRef } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { changeImage, cloneImage, codeOf, type RbdImage, withImage } from '../ceph/librbd.ts'
import { ageOf, checkName, passingName } from '../ceph/naming.ts'
import { type Backend, found, gib, make, notFound, stopIfAborted } from './backend.ts'
import { featuresOf } from './sharing.ts'

type Signal = AbortSignal | undefined
const staleMs = 3600_000

/** Creates a volume with the current bytes of `source`. The source can be changed and deleted afterwards. */
export async function cloneVolume(
  backend: Backend,
  volume: VolumeRef,
  source: VolumeRef,
  signal: Signal,
): Promise<void> {
  checkName(source.name)
  return backend.session.use((pool) =>
    make(backend, pool, {
      volume,
      signal,
      build: async (part) => {
        const snapshot = passingName(volume.name, 'clone')
        await found(
          changeImage(pool, source.name, async (image) => {
            const sizeBytes = await image.sizeBytes()
            checkFits(volume, source.name, sizeBytes)
            const flatten = await isTooDeep(backend, image)
            await image.createSnapshot(snapshot)
            try {
              await cloneImage({ pool, name: source.name, snapshot }, pool, part, featuresOf(volume))
            } finally {
              // The clone keeps the objects of the snapshot that it needs.
              await dropSnapshots(image, snapshot)
            }
            return { sizeBytes, flatten }
          }),
        ).then((cloned) => {
          if (!cloned) throw notFound(pool, source.name)
          return finish(pool, part, { volume, signal, ...cloned })
        })
      },
    }),
  )
}

/** Removes this clone's temporary snapshot, and temporary snapshots older than an hour that crashes left. */
async function dropSnapshots(image: RbdImage, mine: string): Promise<void> {
  const stale = (await image.snapshots()).filter(({ name }) => name === mine || (ageOf(name) ?? 0) > staleMs)
  for (const { name } of stale) await found(image.removeSnapshot(name))
}

/** Creates a volume with the bytes of a snapshot. Throws `invalid` when the volume is too small for it. */
export async function createFromSnapshot(
  backend: Backend,
  volume: VolumeRef,
  source: SnapshotRef,
  signal: Signal,
): Promise<void> {
  checkName(source.name)
  checkName(source.volume.name)
  return backend.session.use((pool) => {
    const parent = { pool, name: source.volume.name, snapshot: source.name }
    return make(backend, pool, {
      volume,
      signal,
      build: (part) =>
        cloneSnapshot(backend, pool, { parent, part, volume, signal, flatten: backend.options.flattenFromSnapshot }),
    })
  })
}

/**
 * Creates a volume as a clone of an image. Returns false when no raw image is in this cluster, or the user may not read
 * it.
 */
export async function cloneFromImage(
  backend: Backend,
  volume: VolumeRef,
  { diskFormat, locations }: ImageLocations,
  signal: Signal,
): Promise<boolean> {
  if (diskFormat !== 'raw') return false
  return backend.session.use(async (pool) => {
    const fsid = await pool.cluster.fsid()
    for (const location of locations) {
      const place = parseLocation(location)
      if (place?.fsid !== fsid) continue
      try {
        const parent = { pool: await backend.session.other(place.pool), name: place.image, snapshot: place.snapshot }
        await make(backend, pool, {
          volume,
          signal,
          build: (part) => cloneSnapshot(backend, pool, { parent, part, volume, signal, flatten: false }),
        })
        return true
      } catch (error) {
        if (!['ENOENT', 'EPERM', 'EACCES'].includes(codeOf(error) ?? '')) throw error
        backend.log.info({ err: error, location }, 'could not clone an image in its own pool')
      }
    }
    return false
  })
}

/** Parses Glance's location of an image in Ceph: `rbd://fsid/pool/image/snapshot`, percent-encoded; null for others. */
function parseLocation(location: string): { fsid: string; pool: string; image: string; snapshot: string } | null {
  const found = /^rbd:\/\/([^/?#]+)\/([^/?#]+)\/([^/?#]+)\/([^/?#]+)$/.exec(location)
  if (!found) return null
  try {
    const [fsid, pool, image, snapshot] = found.slice(1).map(decodeURIComponent) as [string, string, string, string]
    return { fsid, pool, image, snapshot }
  } catch {
    return null
  }
}

interface CloneTask {
  parent: { pool: Pool; name: string; snapshot: string }
  part: string
  volume: VolumeRef
  signal: Signal
  /** True to copy the parent's bytes even when the chain is short. */
  flatten: boolean
}

async function cloneSnapshot(backend: Backend, pool: Pool, task: CloneTask): Promise<void> {
  const { parent, part, volume, signal } = task
  const { name, snapshot } = parent
  const { sizeBytes, tooDeep } = await backend.parents(`${parent.pool.name}/${name}@${snapshot}`, () =>
    withImage(parent.pool, name, { readOnly: true, snapshot }, async (image) => ({
      sizeBytes: await image.sizeBytes(),
      tooDeep: await isTooDeep(backend, image),
    })),
  )
  checkFits(volume, `${name}@${snapshot}`, sizeBytes)
  await cloneImage(parent, pool, part, featuresOf(volume))
  await finish(pool, part, { volume, signal, sizeBytes, flatten: tooDeep || task.flatten })
}

function checkFits(volume: VolumeRef, source: string, sizeBytes: number): void {
  if (sizeBytes <= volume.sizeGiB * gib) return
  throw new DriverError(
    'invalid',
    `${volume.name} of ${volume.sizeGiB} GiB cannot hold ${source} of ${sizeBytes} bytes`,
  )
}

async function finish(
  pool: Pool,
  part: string,
  given: { volume: VolumeRef; signal: Signal; sizeBytes: number; flatten: boolean },
): Promise<void> {
  const wanted = given.volume.sizeGiB * gib
  if (!given.flatten && given.sizeBytes >= wanted) return
  stopIfAborted(given.signal, given.volume.name)
  await withImage(pool, part, {}, async (image) => {
    await image.grow(wanted)
    stopIfAborted(given.signal, given.volume.name)
    if (given.flatten) await image.flatten()
  })
}

/** True when one more clone would exceed `maxCloneDepth` parents: a read may follow the whole chain. */
async function isTooDeep({ options, session }: Backend, image: RbdImage): Promise<boolean> {
  let depth = 1
  let parent = await image.parent()
  while (parent && depth <= options.maxCloneDepth) {
    depth += 1
    const pool = parent.poolName === image.pool.name ? image.pool : await session.other(parent.poolName)
    parent = await withImage(pool, parent.imageId, { readOnly: true, byId: true }, (next) => next.parent())
  }
  return depth > options.maxCloneDepth
}
