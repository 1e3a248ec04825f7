import type { Context } from '@hearth/core'
import { isDriverError } from '@hearth/driver'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { storeFailure } from '../../data/ingest.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import { forgetLocation } from '../../model/images/store.ts'

/** DELETE /v2/stores/{store}/{id}: removes one of several copies of an active image. */
export async function deleteCopy(
  context: Context,
  request: ApiRequest,
  deps: Pick<GlanceDeps, 'database' | 'stores'>,
): Promise<undefined> {
  const { store: storeId, image_id: id } = request.params as { store: string; image_id: string }
  const { query } = deps.database
  const image = await openImage(context, id, 'delete_image_location', 'delete a copy of', query)
  const entry = deps.stores.find(storeId)
  if (!entry) throw glanceErrors.Conflict({ reason: `Store ${storeId} is not known` })
  if (image.status !== 'active') throw glanceErrors.Conflict({ reason: 'Only copies of active images can be deleted.' })
  const location = image.locations.find((each) => each.store === storeId)
  if (!location) throw glanceErrors.NotFound({ reason: `Image ${id} is not stored in store ${storeId}` })
  if (image.locations.length === 1) throw glanceErrors.Forbidden({ reason: 'Cannot delete the last copy of an image.' })
  try {
    await entry.store.delete(location.url)
  } catch (error) {
    if (isDriverError(error) && error.kind === 'busy') {
      throw glanceErrors.ImageInUse({ image_id: id, reason: error.message }, error)
    }
    throw storeFailure(error)
  }
  await forgetLocation(query, location.id)
}
