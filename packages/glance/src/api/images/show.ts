import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { openImage } from '../../model/images/access.ts'
import { viewImage } from './view.ts'

/** GET /v2/images/{id}. */
export async function showImage(
  context: Context,
  request: ApiRequest,
  deps: Pick<GlanceDeps, 'database' | 'settings'>,
): Promise<unknown> {
  const image = await openImage(context, request.params.image_id!, 'get_image', 'view', deps.database.query)
  return viewImage(image, context, deps.settings)
}
