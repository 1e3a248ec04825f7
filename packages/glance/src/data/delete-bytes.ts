import { isDriverError } from '@hearth/driver'
import { glanceErrors } from '../model/errors.ts'
import type { Image } from '../model/images/image.ts'
import { deleteImage as deleteRow, findImage, forgetLocation } from '../model/images/store.ts'
import type { ImageCache } from './cache.ts'
import type { GlanceDeps } from './deps.ts'
import type { Staging } from './staging.ts'

export type DeleteDeps = Pick<GlanceDeps, 'database' | 'stores' | 'log'> & {
  staging: Staging
  cache: ImageCache | null
}

/** Finishes a deletion that a crash interrupted. Bytes that are still in use wait for the next round. */
export async function finishDeletion(imageId: string, deps: DeleteDeps): Promise<void> {
  const image = await findImage(deps.database.query, imageId)
  if (image?.status !== 'pending_delete') return
  if ((await deleteBytes(image, deps)) === null) await bury(image, 'pending_delete', deps)
}

/**
 * Deletes the row of an image without bytes, with its staged and cached files. Throws Conflict (409) when it has
 * changed.
 */
export async function bury(image: Image, from: string, deps: DeleteDeps): Promise<undefined> {
  const buried = await deps.database.transaction((tx) => deleteRow(tx, image.id, from))
  if (!buried) throw changed(image)
  if (image.status === 'uploading') await deps.staging.remove(image.id)
  await deps.cache?.remove(image.id)
}

/** Returns the error for an image that changed while it was being deleted. */
export const changed = (image: Image) =>
  glanceErrors.Conflict({ reason: `Image ${image.id} changed while it was being deleted; try again.` })

/** Why a store would not delete, null when all bytes are gone or will be seen to later. */
export async function deleteBytes(image: Image, deps: DeleteDeps): Promise<string | null> {
  for (const location of image.locations) {
    const entry = deps.stores.find(location.store)
    try {
      if (entry && !entry.readOnly) await entry.store.delete(location.url)
      await forgetLocation(deps.database.query, location.id)
    } catch (error) {
      if (isDriverError(error) && error.kind === 'busy') return error.message
      deps.log.warn({ err: error, imageId: image.id, store: location.store }, 'deleting image bytes is put off')
    }
  }
  return null
}
