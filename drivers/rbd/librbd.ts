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
/** Clones of the second format need no protected snapshot, and outlive their parent's name. */
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

/** A blank image. A process killed in here leaves a name without an image behind it. Code `EEXIST` when it is there. */
export function createImage(pool: Pool, name: string, sizeBytes: number, options: ImageOptions = {}): Promise<void> {
  const about = `creating image ${pool.name}/${name}`
  return withOptions(options, (handle) => call('rbd_create4', [pool.handle, name, sizeBytes, handle], about))
}

/**
 * A copy-on-write child of `parent@snapshot`, of its size and with objects of its size: librbd refuses smaller ones (`EINVAL`).
 * Code `EEXIST` when it is there.
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

/** Notes of the whole pool whose keys begin with `prefix`. */
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

export async function setPoolMetadata(pool: Pool, key: string, value: string): Promise<void> {
  await call('rbd_pool_metadata_set', [pool.handle, key, value], `noting ${key} in the pool ${pool.name}`)
}

/** Removing what is gone succeeds. */
export async function removePoolMetadata(pool: Pool, key: string): Promise<void> {
  const removing = call('rbd_pool_metadata_remove', [pool.handle, key], `removing ${key} from the pool ${pool.name}`)
  await removing.catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
}

export interface TrashEntry {
  id: string
  /** As it was when it was moved there. */
  name: string
  deletedAt: Date
  deferredUntil: Date
}

/** Takes the name away at once and keeps the bytes for `delaySeconds`. */
export async function moveToTrash(pool: Pool, name: string, delaySeconds = 0): Promise<void> {
  await whenFree(pool, changeOf(name), () =>
    call('rbd_trash_move', [pool.handle, name, delaySeconds], `moving image ${pool.name}/${name} to the trash`),
  )
}

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

/** Removes an image from the trash with its data, however long it was to stay. Codes as `removeImage`. */
export async function removeFromTrash(pool: Pool, id: string): Promise<void> {
  await call('rbd_trash_remove', [pool.handle, id, true], `removing image ${id} from the trash of ${pool.name}`, 'slow')
}

export async function restoreFromTrash(pool: Pool, id: string, name: string): Promise<void> {
  await call('rbd_trash_restore', [pool.handle, id, name], `restoring image ${id} to ${pool.name}/${name}`)
}

export interface OpenOptions {
  snapshot?: string
  /** Opens without a watch: leaves nothing behind when the process is killed. */
  readOnly?: boolean
  /** `name` is an image's id, which stays when it is renamed or in the trash. */
  byId?: boolean
}

/** Throws `not-found`. The caller closes it; `withImage` does so by itself. */
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

/** Opens an image for as long as `use` runs. */
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
 * As `withImage`, for what changes an image that others may change too: they come one after the other. librbd ends its
 * process when a change by another client is told of in the moment that the image is closed (an assertion in AsyncOpTracker).
 */
export function changeImage<T>(pool: Pool, name: string, use: (image: RbdImage) => Promise<T>): Promise<T> {
  return whenFree(pool, changeOf(name), () => withImage(pool, name, {}, use))
}

const changeOf = (name: string) => ({ object: 'rbd_directory', kind: 'image', about: name }) as const

/**
 * Tells every client that has the image open to look at it again, as librbd itself does after a change, and answers how
 * many of them are alive: a client that died stays in the list of watchers for half a minute.
 */
export async function countLiveWatchers(pool: Pool, imageId: string, timeoutMs = 2000): Promise<number> {
  const { koffi, native } = library()
  const [reply, length] = [[null] as (Handle | null)[], [0] as (number | bigint)[]]
  const object = `rbd_header.${imageId}`
  const args = [pool.handle, object, headerUpdate, headerUpdate.length, timeoutMs, reply, length]
  const returned = await callRaw('rados_notify2', args)
  try {
    // The acknowledgements come with the time-out of those who did not answer.
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
