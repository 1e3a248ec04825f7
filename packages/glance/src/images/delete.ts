import type { Context } from '@hearth/core'
import { isDriverError } from '@hearth/driver'
import type { ApiRequest } from '@hearth/http'
import type { ImageCache } from '../cache/cache.ts'
import type { GlanceDeps } from '../deps.ts'
import { glanceErrors } from '../errors.ts'
import type { Staging } from '../imports/staging.ts'
import { openImage } from './access.ts'
import type { Image } from './image.ts'
import { deleteImage as deleteRow, findImage, forgetLocation, moveImage } from './store.ts'

type DeleteDeps = Pick<GlanceDeps, 'database' | 'stores' | 'log'> & { staging: Staging; cache: ImageCache | null }

/**
 * DELETE /v2/images/{id}. Bytes go first, while the image is `pending_delete`; a store that still needs them (clones)
 * brings the image back: ImageInUse (409). A store that does not answer is asked again by recovery.
 */
export async function deleteImage(context: Context, request: ApiRequest, deps: DeleteDeps): Promise<undefined> {
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, 'delete_image', 'delete', query)
  if (image.protected) throw glanceErrors.ImageProtected({ image_id: image.id })
  if (image.locations.length === 0) return bury(image, image.status, deps)
  const dying = await moveImage(query, image.id, 'pending_delete', { from: image.status })
  if (!dying) throw changed(image)
  const busy = await deleteBytes(image, deps)
  if (busy === null) return bury(image, 'pending_delete', deps)
  await moveImage(query, image.id, image.status, { from: 'pending_delete' })
  throw glanceErrors.ImageInUse({ image_id: image.id, reason: busy })
}

/** Finishes a deletion that a crash interrupted; what is still in use waits for another time. */
export async function finishDeletion(imageId: string, deps: DeleteDeps): Promise<void> {
  const image = await findImage(deps.database.query, imageId)
  if (image?.status !== 'pending_delete') return
  if ((await deleteBytes(image, deps)) === null) await bury(image, 'pending_delete', deps)
}

async function bury(image: Image, from: string, deps: DeleteDeps): Promise<undefined> {
  const buried = await deps.database.transaction((tx) => deleteRow(tx, image.id, from))
  if (!buried) throw changed(image)
  if (image.status === 'uploading') await deps.staging.remove(image.id)
  await deps.cache?.remove(image.id)
}

const changed = (image: Image) =>
  glanceErrors.Conflict({ reason: `Image ${image.id} changed while it was being deleted; try again.` })

/** Why a store would not delete, null when all bytes are gone or will be seen to later. */
async function deleteBytes(image: Image, deps: DeleteDeps): Promise<string | null> {
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
