import { randomBytes } from 'node:crypto'
import { DriverError, type DriverLog } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import {
  codeOf,
  listImages,
  listTrash,
  moveToTrash,
  openImage,
  removeFromTrash,
  removeImage,
  withImage,
} from '../ceph/librbd.ts'
import { renameImage } from '../ceph/renaming.ts'

/** Returns a new name for an unfinished upload. */
export const partName = (imageId: string): string => `${imageId}.part-${randomBytes(4).toString('hex')}`
const deletedName = (imageId: string): string => `${imageId}.deleted-${randomBytes(4).toString('hex')}`

/** True for the name of an unfinished upload of this image. */
export const isPartOf = (name: string, imageId: string): boolean => name.startsWith(`${imageId}.part-`)
const isDeletedName = (name: string): boolean => /\.deleted-[0-9a-f]{8}$/.test(name)
/** True for the name of a complete image: its id, which has no dot. */
export const isWhole = (name: string): boolean => !name.includes('.')

/**
 * Removes an image: its name at once, its bytes when nothing needs them. An image with clones goes to the trash; an
 * image that a dead client still seems to hold stays under another name; `sweep` removes both later. Succeeds when the
 * image does not exist.
 */
export async function discard(pool: Pool, name: string, log: DriverLog): Promise<void> {
  const hidden = deletedName(name.split('.', 1)[0]!)
  try {
    await renameImage(pool, name, hidden)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  await removeOrHide(pool, hidden).catch((error: unknown) => {
    log.warn({ err: error, image: hidden }, 'could not remove the bytes of a deleted image; a later sweep tries again')
  })
}

async function removeOrHide(pool: Pool, name: string): Promise<void> {
  if (await removeWhole(pool, name, false)) return
  await moveToTrash(pool, name).catch((error: unknown) => {
    if (!isInUse(error) && codeOf(error) !== 'ENOENT') throw error
  })
}

const isInUse = (error: unknown): boolean => ['EBUSY', 'ENOTEMPTY'].includes(codeOf(error) ?? '')

/** Removes an image with its snapshots. Returns false when clones or a client still need it. */
async function removeWhole(pool: Pool, key: string, inTrash: boolean): Promise<boolean> {
  try {
    await dropSnapshots(pool, key, inTrash)
    if (inTrash) await removeFromTrash(pool, key)
    else await removeImage(pool, key)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true
    if (isInUse(error)) return false
    throw error
  }
}

/** Removes all snapshots. Fails (`EBUSY`) while a clone of the first format exists; other clones need no snapshot. */
async function dropSnapshots(pool: Pool, key: string, byId: boolean): Promise<void> {
  const image = await openImage(pool, key, { byId })
  try {
    for (const { name } of await image.snapshots()) {
      await image.unprotectSnapshot(name)
      await image.removeSnapshot(name)
    }
  } finally {
    await image.close()
  }
}

/**
 * Removes the bytes of deleted images that nothing needs any more. Skips images that another client has open: librbd
 * ends its process when it loses an image's lock during a removal.
 */
export async function sweep(pool: Pool): Promise<void> {
  for (const { name } of await listImages(pool)) {
    if (isDeletedName(name) && !(await isWatched(pool, name, false))) await removeOrHide(pool, name)
  }
  for (const { id, name } of await listTrash(pool)) {
    if (isDeletedName(name) && !(await isWatched(pool, id, true))) await removeWhole(pool, id, true)
  }
}

async function isWatched(pool: Pool, key: string, byId: boolean): Promise<boolean> {
  const watchers = withImage(pool, key, { readOnly: true, byId }, (image) => image.watchers())
  return (await watchers.catch(() => [])).length > 0
}

/** Returns the id. Throws `invalid` when it could be mistaken for an unfinished or deleted image, or for a snapshot. */
export function checkImageId(imageId: string): string {
  if (/^[A-Za-z0-9][\w-]{0,99}$/.test(imageId)) return imageId
  throw new DriverError('invalid', `${JSON.stringify(imageId)} cannot name an image: letters, digits, - and _ can`)
}
