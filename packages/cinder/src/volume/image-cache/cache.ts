import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import { isDriverError, type ModelUpdate, type VolumeRef } from '@hearth/driver'
import type { Backend } from '../../model/backends.ts'
import type { ImageSource } from '../../model/volumes/tasks.ts'
import { checkFits, cloneFromStore } from './clone-from-store.ts'
import { type FillDeps, prepareImage } from './fill.ts'
import { type BaseRow, baseRef, deleteBaseRow, findBase, insertBase, listBases, updateBase } from './store.ts'

const hourMs = 3600 * 1000
/** A base that has not been used for this long is removed. */
const idleMs = 24 * hourMs

/** Keeps each image once per backend, as a hidden base volume. Volumes of the image are clones of it. */
export interface ImageCache {
  /**
   * Creates `volume` from the image: as a clone of the image in the image store if the driver can do that, else as a
   * clone of the base. Concurrent calls share one download; `onDownload` is called only for the call that starts it.
   * Throws DriverError.
   */
  makeVolume(
    volume: VolumeRef,
    image: ImageSource,
    options: { signal?: AbortSignal; onDownload?(): Promise<void> },
  ): Promise<ModelUpdate | undefined>
  /** Removes all bases that are not in use, to free space. Returns true if one was removed. */
  evictIdle(): Promise<boolean>
  /** Removes bases that have not been used for a day and, if `afterCrash`, unfinished bases. */
  sweep(afterCrash: boolean): Promise<void>
}

interface CacheDeps extends FillDeps {
  backend: Backend
  database: Database
  log: Logger
}

interface MakeOptions {
  signal?: AbortSignal
  onDownload?(): Promise<void>
}

/** A base that is being created or cloned, with the number of callers that use it. */
interface Entry {
  base: Promise<BaseRow>
  users: number
}

interface State {
  deps: CacheDeps
  entries: Map<string, Entry>
}

const keyOf = (image: { id: string; checksum: string }): string => `${image.id} ${image.checksum}`

/** Returns the image cache of one backend. */
export function openImageCache(deps: CacheDeps): ImageCache {
  const state: State = { deps, entries: new Map() }
  return {
    makeVolume: (volume, image, options) => makeVolume(state, volume, image, options),
    evictIdle: () => evict(state, () => true),
    async sweep(afterCrash) {
      const old = Date.now() - idleMs
      await evict(state, (base) => (afterCrash && base.status === 'creating') || (base.updated_at ?? 0) < old)
    },
  }
}

async function makeVolume(
  state: State,
  volume: VolumeRef,
  image: ImageSource,
  options: MakeOptions,
): Promise<ModelUpdate | undefined> {
  const cloned = await cloneFromStore(
    volume,
    image,
    { ...state.deps, driver: state.deps.backend.volume },
    options.signal,
  )
  if (cloned) return cloned
  const entry = joinEntry(state, image, options)
  try {
    const base = await entry.base
    checkFits(base.size, volume)
    return await state.deps.backend.volume.clone(volume, baseRef(base), options.signal)
  } finally {
    entry.users -= 1
    if (entry.users === 0) state.entries.delete(keyOf(image))
  }
}

/**
 * Returns the base's entry and counts the caller as a user. The first user creates the base; no base in use is removed.
 */
function joinEntry(state: State, image: ImageSource, options: MakeOptions): Entry {
  const key = keyOf(image)
  let entry = state.entries.get(key)
  if (!entry) {
    entry = { base: baseFor(state, image, options), users: 0 }
    state.entries.set(key, entry)
  }
  entry.users += 1
  return entry
}

async function baseFor(state: State, image: ImageSource, options: MakeOptions): Promise<BaseRow> {
  const { backend, database } = state.deps
  const known = await findBase(database.query, backend.host, image.id, image.checksum)
  if (known) {
    if (Date.now() - (known.updated_at ?? 0) > hourMs) await updateBase(database.query, known.id, {})
    return known
  }
  await options.onDownload?.()
  await evict(state, (base) => base.image_id === image.id)
  return makeBase(state.deps, image, options.signal)
}

/** Removes the bases that are `unwanted` and not in use. Returns true if one was removed. */
async function evict({ deps, entries }: State, unwanted: (base: BaseRow) => boolean): Promise<boolean> {
  let removed = false
  for (const base of await listBases(deps.database.query, deps.backend.host)) {
    const key = keyOf({ id: base.image_id, checksum: base.checksum })
    if (entries.has(key) || !unwanted(base)) continue
    await removeBase(deps, base).then(
      () => {
        removed = true
      },
      (error: unknown) =>
        deps.log.warn({ err: error, imageId: base.image_id }, 'the cached copy of an image could not be removed'),
    )
  }
  return removed
}

async function removeBase({ backend, database }: CacheDeps, base: BaseRow): Promise<void> {
  // `creating` hides the base from now on; after a crash the sweep of the next start removes it.
  await updateBase(database.query, base.id, { status: 'creating' })
  await backend.volume.delete(baseRef(base))
  await deleteBaseRow(database.query, base.id)
}

async function makeBase(deps: CacheDeps, image: ImageSource, signal?: AbortSignal): Promise<BaseRow> {
  const { backend, database, log } = deps
  const prepared = await prepareImage(image, deps, signal)
  try {
    const size = Math.max(prepared.sizeGiB, 1)
    const row = await insertBase(database.query, {
      host: backend.host,
      image_id: image.id,
      checksum: image.checksum,
      size,
    })
    try {
      const update = await fillBase(backend, row, prepared, signal)
      const made = { status: 'available' as const, provider_location: update?.providerLocation ?? null }
      await updateBase(database.query, row.id, made)
      return { ...row, ...made }
    } catch (error) {
      await backend.volume
        .delete(baseRef(row))
        .catch((problem: unknown) => log.warn({ err: problem }, 'the unfinished copy of an image could not be removed'))
      await deleteBaseRow(database.query, row.id)
      throw error
    }
  } finally {
    await prepared.dispose()
  }
}

async function fillBase(
  backend: Backend,
  row: BaseRow,
  prepared: Awaited<ReturnType<typeof prepareImage>>,
  signal?: AbortSignal,
): Promise<ModelUpdate | undefined> {
  const { volume } = backend
  const update = await volume.create(baseRef(row), signal)
  const ref = { ...baseRef(row), providerLocation: update?.providerLocation ?? null }
  await prepared.writeTo({ backend, volume: ref, isZero: true, ...(signal && { signal }) })
  return update
}

/** Runs `work`. If the backend is full, removes unused bases and runs `work` once more. */
export async function withRoom<T>(cache: ImageCache, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isDriverError(error) || error.kind !== 'no-space' || !(await cache.evictIdle())) throw error
    return work()
  }
}
