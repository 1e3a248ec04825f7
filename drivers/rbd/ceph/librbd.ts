import { whenFree } from './lease.ts'
import type { Pool } from './librados.ts'
import { call, callRaw, cephError, codeOf, type Handle, library, readList } from './library.ts'
import { openImageHandle, type RbdImage } from './librbd-image.ts'

export type { RbdImage } from './librbd-image.ts'

export interface ImageOptions {
  /** Bits of librbd's features; the cluster's default when absent. */
  features?: number
  /** Bytes of one object as a power of two; the cluster's default when absent. */
  order?: number
  /** Pool of the data objects when it is not the image's own. */
  dataPool?: string
}

/** Bits of an image's features. */
export const feature = {
  layering: 1,
  exclusiveLock: 4,
  objectMap: 8,
  fastDiff: 16,
  deepFlatten: 32,
  journaling: 64,
} as const

const option = { features: 1, order: 2, cloneFormat: 12, dataPool: 10 }
/** Clones of the second format need no protected snapshot, and stay when their parent loses its name. */
const cloneFormat = 2

async function withOptions(
  options: ImageOptions & { cloneFormat?: number },
  use: (handle: Handle) => Promise<unknown>,
) {
  const { native } = library()
  const out: (Handle | null)[] = [null]
  native.rbd_image_options_create!(out)
  const handle = out[0]!
  try {
    for (const name of ['features', 'order', 'cloneFormat'] as const) {
      const value = options[name]
      if (value !== undefined) native.rbd_image_options_set_uint64!(handle, option[name], value)
    }
    if (options.dataPool) native.rbd_image_options_set_string!(handle, option.dataPool, options.dataPool)
    await use(handle)
  } finally {
    native.rbd_image_options_destroy!(handle)
  }
}

/** Creates a blank image. A process killed meanwhile leaves a name without an image. Code `EEXIST` when it exists. */
export function createImage(pool: Pool, name: string, sizeBytes: number, options: ImageOptions = {}): Promise<void> {
  const about = `creating image ${pool.name}/${name}`
  return withOptions(options, (handle) => call('rbd_create4', [pool.handle, name, sizeBytes, handle], about))
}

/**
 * Creates a copy-on-write child of `parent@snapshot` with its size and its object size: librbd refuses smaller objects
 * (`EINVAL`). Code `EEXIST` when it exists.
 */
export function cloneImage(
  parent: { pool: Pool; name: string; snapshot: string },
  pool: Pool,
  name: string,
  options: Omit<ImageOptions, 'order'> = {},
): Promise<void> {
  const about = `cloning ${parent.pool.name}/${parent.name}@${parent.snapshot} to ${pool.name}/${name}`
  const args = [parent.pool.handle, parent.name, parent.snapshot, pool.handle, name]
  return withOptions({ ...options, cloneFormat }, (handle) => call('rbd_clone3', [...args, handle], about))
}

/** Removes an image with its data. Code `ENOTEMPTY` while it has snapshots, `EBUSY` while a client has it open. */
export async function removeImage(pool: Pool, name: string): Promise<void> {
  await call('rbd_remove', [pool.handle, name], `removing image ${pool.name}/${name}`, 'slow')
}

/** Returns the images of a pool, without those in the trash. */
export function listImages(pool: Pool): Promise<{ id: string; name: string }[]> {
  const { types } = library()
  return readList(
    {
      name: 'rbd_list2',
      args: [pool.handle],
      type: types.imageSpec,
      about: `listing the images of ${pool.name}`,
      cleanup: 'rbd_image_spec_list_cleanup',
    },
    (row) => ({ id: String(row.id), name: String(row.name) }),
  )
}

/** Returns the pool's metadata whose keys begin with `prefix`. */
export async function poolMetadata(pool: Pool, prefix: string): Promise<Map<string, string>> {
  for (let room = 64 * 1024; ; room *= 2) {
    const [keys, values] = [Buffer.alloc(room), Buffer.alloc(room)]
    const [keyLength, valueLength] = [[room], [room]] as (number | bigint)[][]
    const args = [pool.handle, '', 0, keys, keyLength, values, valueLength]
    const returned = await callRaw('rbd_pool_metadata_list', args)
    if (returned === -34) continue
    if (returned < 0) throw cephError(`notes of the pool ${pool.name}`, returned)
    const texts = (buffer: Buffer, length: unknown) => buffer.toString('utf8', 0, Number(length)).split('\0')
    const found = texts(values, valueLength![0])
    const pairs = texts(keys, keyLength![0]).map((key, i) => [key, found[i] ?? ''] as const)
    return new Map(pairs.filter(([key]) => key.startsWith(prefix)))
  }
}

/** Writes one key of the pool's metadata. */
export async function setPoolMetadata(pool: Pool, key: string, value: string): Promise<void> {
  await call('rbd_pool_metadata_set', [pool.handle, key, value], `noting ${key} in the pool ${pool.name}`)
}

/** Removes one key of the pool's metadata; succeeds when it does not exist. */
export async function removePoolMetadata(pool: Pool, key: string): Promise<void> {
  const removing = call('rbd_pool_metadata_remove', [pool.handle, key], `removing ${key} from the pool ${pool.name}`)
  await removing.catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
}

interface TrashEntry {
  id: string
  /** Name of the image when it was moved to the trash. */
  name: string
  deletedAt: Date
  deferredUntil: Date
}

/** Moves an image to the trash: its name is free at once, its bytes stay for at least `delaySeconds`. */
export async function moveToTrash(pool: Pool, name: string, delaySeconds = 0): Promise<void> {
  await whenFree(pool, changeOf(name), () =>
    call('rbd_trash_move', [pool.handle, name, delaySeconds], `moving image ${pool.name}/${name} to the trash`),
  )
}

/** Returns the images in the trash of a pool. */
export function listTrash(pool: Pool): Promise<TrashEntry[]> {
  const { types } = library()
  const seconds = (value: unknown) => new Date(Number(value) * 1000)
  return readList(
    {
      name: 'rbd_trash_list',
      args: [pool.handle],
      type: types.trash,
      about: `listing the trash of ${pool.name}`,
      cleanup: 'rbd_trash_list_cleanup',
    },
    (row) => ({
      id: String(row.id),
      name: String(row.name),
      deletedAt: seconds(row.deletedAt),
      deferredUntil: seconds(row.deferredUntil),
    }),
  )
}

/** Removes an image from the trash with its data, even before its delay ends. Codes as `removeImage`. */
export async function removeFromTrash(pool: Pool, id: string): Promise<void> {
  await call('rbd_trash_remove', [pool.handle, id, true], `removing image ${id} from the trash of ${pool.name}`, 'slow')
}

interface OpenOptions {
  snapshot?: string
  /** Opens without a watch: leaves nothing behind when the process is killed. */
  readOnly?: boolean
  /** `name` is an image's id, which stays when it is renamed or in the trash. */
  byId?: boolean
}

/** Opens an image; the caller closes it (`withImage` closes it itself). Throws `not-found`. */
export async function openImage(pool: Pool, name: string, options: OpenOptions = {}): Promise<RbdImage> {
  return openCloseable(pool, name, options)
}

async function openCloseable(pool: Pool, name: string, options: OpenOptions): Promise<RbdImage> {
  const { snapshot = null, readOnly = false, byId = false } = options
  const out: (Handle | null)[] = [null]
  const opening = `rbd_open${byId ? '_by_id' : ''}${readOnly ? '_read_only' : ''}`
  const full = `${pool.name}/${name}${snapshot === null ? '' : `@${snapshot}`}`
  await call(opening, [pool.handle, name, out, snapshot], `opening image ${full}`)
  return openImageHandle(pool, out[0]!, full)
}

/** Opens an image, returns the result of `use`, and closes the image. Throws `not-found`. */
export async function withImage<T>(
  pool: Pool,
  name: string,
  options: OpenOptions,
  use: (image: RbdImage) => Promise<T>,
): Promise<T> {
  const image = await openCloseable(pool, name, options)
  try {
    return await use(image)
  } finally {
    await image.close()
  }
}

/**
 * As `withImage`, for changes of an image that other processes may change too: runs them one after the other. librbd
 * ends its process when it is notified of another client's change while the image is being closed (assertion in
 * AsyncOpTracker).
 */
export function changeImage<T>(pool: Pool, name: string, use: (image: RbdImage) => Promise<T>): Promise<T> {
  return whenFree(pool, changeOf(name), () => withImage(pool, name, {}, use))
}

const changeOf = (name: string) => ({ object: 'rbd_directory', kind: 'image', about: name }) as const

/**
 * Notifies every client that has the image open to refresh it, as librbd does after a change, and returns how many are
 * alive: a dead client stays in the list of watchers for half a minute.
 */
export async function countLiveWatchers(pool: Pool, imageId: string, timeoutMs = 2000): Promise<number> {
  const { koffi, native } = library()
  const [reply, length] = [[null] as (Handle | null)[], [0] as (number | bigint)[]]
  const object = `rbd_header.${imageId}`
  const args = [pool.handle, object, headerUpdate, headerUpdate.length, timeoutMs, reply, length]
  const returned = await callRaw('rados_notify2', args)
  try {
    // After a time-out the buffer still holds the acknowledgements of the clients that responded.
    if (reply[0] && Number(length[0]) >= 4)
      return new DataView(koffi.view(reply[0], Number(length[0]))).getUint32(0, true)
    if (returned < 0) await call('rados_notify2', args, `asking who has image ${imageId} open`)
    return 0
  } finally {
    if (reply[0]) native.rados_buffer_free!(reply[0])
  }
}

/** librbd's notification HEADER_UPDATE: version 7, readable from 1 on, four bytes of content, operation 3. */
const headerUpdate = Buffer.from([7, 1, 4, 0, 0, 0, 3, 0, 0, 0])

export { codeOf }
