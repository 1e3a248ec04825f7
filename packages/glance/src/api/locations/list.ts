import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { openImage } from '../../model/images/access.ts'

/** GET /v2/images/{id}/locations, for services that clone images where they lie. */
export async function listLocations(
  context: Context,
  request: ApiRequest,
  deps: Pick<GlanceDeps, 'database'>,
): Promise<unknown> {
  const { query } = deps.database
  const image = await openImage(
    context,
    request.params.image_id!,
    'fetch_image_location',
    'see the locations of',
    query,
  )
  return image.locations.map(({ url, store, metadata }) => ({
    url,
    metadata: { ...metadata, ...(store ? { store } : {}) },
  }))
}
