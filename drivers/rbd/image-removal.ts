import { randomBytes } from 'node:crypto'
import { DriverError, type DriverLog } from '@hearth/driver'
import type { Pool } from './librados.ts'
import {
  codeOf,
  listImages,
  listTrash,
  moveToTrash,
  openImage,
  removeFromTrash,
  removeImage,
  withImage,
} from './librbd.ts'
import { renameImage } from './renaming.ts'

/** Names of uploads that are not finished. */
export const partName = (imageId: string): string => `${imageId}.part-${randomBytes(4).toString('hex')}`
const doomedName = (imageId: string): string => `${imageId}.deleted-${randomBytes(4).toString('hex')}`

export const isPartOf = (name: string, imageId: string): boolean => name.startsWith(`${imageId}.part-`)
const isDoomed = (name: string): boolean => /\.deleted-[0-9a-f]{8}$/.test(name)
/** Names as users know them are images' ids, which have no dot. */
export const isWhole = (name: string): boolean => !name.includes('.')

/**
 * Takes the image's name away at once, and its bytes as soon as nothing needs them: what has clones goes to the trash, and what a
 * dead client still seems to hold stays under another name, both for `sweep`. Taking away what is gone succeeds.
 */
export async function discard(pool: Pool, name: string, log: DriverLog): Promise<void> {
  const doomed = doomedName(name.split('.', 1)[0]!)
  try {
    await renameImage(pool, name, doomed)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  await removeOrHide(pool, doomed).catch((error: unknown) => {
    log.warn({ err: error, image: doomed }, 'the bytes of a deleted image stay for now')
  })
}

async function removeOrHide(pool: Pool, name: string): Promise<void> {
  if (await removeWhole(pool, name, false)) return
  await moveToTrash(pool, name).catch((error: unknown) => {
    if (!isInUse(error) && codeOf(error) !== 'ENOENT') throw error
  })
}

const isInUse = (error: unknown): boolean => ['EBUSY', 'ENOTEMPTY'].includes(codeOf(error) ?? '')

/** False when clones or a client still need the image. */
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

/** Clones of the first format keep the snapshot; those of the second outlive it. */
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
 * Removes the bytes of deleted images that nothing needs any more. What another client is at is left to it: librbd ends its
 * process when an image's lock is taken from it during a removal.
 */
export async function sweep(pool: Pool): Promise<void> {
  for (const { name } of await listImages(pool)) {
    if (isDoomed(name) && !(await isWatched(pool, name, false))) await removeOrHide(pool, name)
  }
  for (const { id, name } of await listTrash(pool)) {
    if (isDoomed(name) && !(await isWatched(pool, id, true))) await removeWhole(pool, id, true)
  }
}

async function isWatched(pool: Pool, key: string, byId: boolean): Promise<boolean> {
  const watchers = withImage(pool, key, { readOnly: true, byId }, (image) => image.watchers())
  return (await watchers.catch(() => [])).length > 0
}

/** Throws `invalid` for what could be taken for an unfinished or deleted image, or for a snapshot's name. */
export function checkImageId(imageId: string): string {
  if (/^[A-Za-z0-9][\w-]{0,99}$/.test(imageId)) return imageId
  throw new DriverError('invalid', `${JSON.stringify(imageId)} cannot name an image: letters, digits, - and _ can`)
}
