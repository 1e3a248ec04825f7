import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { bury, changed, type DeleteDeps, deleteBytes } from '../../data/delete-bytes.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import { moveImage } from '../../model/images/store.ts'

/**
 * DELETE /v2/images/{id}. Deletes the bytes first, while the image is `pending_delete`. A store that still needs them
 * (clones) brings the image back: ImageInUse (409). Recovery retries a store that does not respond.
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
