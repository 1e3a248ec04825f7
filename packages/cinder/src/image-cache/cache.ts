import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import { isDriverError, type ModelUpdate, type VolumeRef } from '@hearth/driver'
import type { Backend } from '../backends.ts'
import { checkFits, cloneFromStore } from './clone-from-store.ts'
import { type FillDeps, type ImageSource, prepareImage } from './fill.ts'
import { type BaseRow, baseRef, deleteBaseRow, findBase, insertBase, listBases, updateBase } from './store.ts'

const hourMs = 3600 * 1000
/** A base nobody has used for so long goes. */
const idleMs = 24 * hourMs

/** Keeps each image once per backend, as a hidden base volume that volumes of the image are cloned from. */
export interface ImageCache {
  /**
   * Makes `volume` out of the image: by a clone of where the image lies if the backend can, else of its base. However many
   * ask at once, the image is downloaded once. `onDownload` is told when this call is the one that downloads. Throws
   * DriverError.
   */
  makeVolume(
    volume: VolumeRef,
    image: ImageSource,
    options: { signal?: AbortSignal; onDownload?(): Promise<void> },
  ): Promise<ModelUpdate | undefined>
  /** Makes room: removes bases that are not being cloned. True when one was removed. */
  evictIdle(): Promise<boolean>
  /** Removes bases left half-made by a crash and those long unused. */
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

/** A base that is being made or cloned, and by how many. */
interface Entry {
  base: Promise<BaseRow>
  users: number
}

interface State {
  deps: CacheDeps
  entries: Map<string, Entry>
}

const keyOf = (image: { id: string; checksum: string }): string => `${image.id} ${image.checksum}`

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

/** Takes part in the one making of the image's base, which is not evicted while it has users. */
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

/** Removes unwanted bases that nobody is using. True when one went. */
async function evict({ deps, entries }: State, unwanted: (base: BaseRow) => boolean): Promise<boolean> {
  let removed = false
  for (const base of await listBases(deps.database.query, deps.backend.host)) {
    const key = keyOf({ id: base.image_id, checksum: base.checksum })
    if (entries.has(key) || !unwanted(base)) continue
    await removeBase(deps, base).then(
      () => {
        removed = true
      },
      (error: unknown) => deps.log.warn({ err: error, imageId: base.image_id }, 'a cached image could not be removed'),
    )
  }
  return removed
}

async function removeBase({ backend, database }: CacheDeps, base: BaseRow): Promise<void> {
  // Nobody may find it from here on, and a crash in between is tidied up.
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
        .catch((problem: unknown) => log.warn({ err: problem }, 'base not removed'))
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

/** Runs `work`, and once more after making room when the backend was full. */
export async function withRoom<T>(cache: ImageCache, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isDriverError(error) || error.kind !== 'no-space' || !(await cache.evictIdle())) throw error
    return work()
  }
}
