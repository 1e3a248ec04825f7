import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { glanceErrors } from '../../model/errors.ts'
import { isAdmin, projectOf } from '../../model/images/access.ts'
import { findImages } from '../../model/images/list-store.ts'
import { readListQuery } from './list-query.ts'
import { viewImage } from './view.ts'

/** GET /v2/images: a page, with links to the first and, when the page is full, the next one. */
export async function listImages(
  context: Context,
  request: ApiRequest,
  deps: Pick<GlanceDeps, 'database' | 'settings'>,
): Promise<unknown> {
  const list = readListQuery(request.query, deps.settings)
  const viewer = { admin: isAdmin(context), project: projectOf(context) }
  const images = await findImages(deps.database.query, list, viewer)
  if (!images) throw glanceErrors.BadRequest({ reason: `Invalid marker: ${list.marker}` })
  const last = images.at(-1)
  return {
    images: images.map((image) => viewImage(image, context, deps.settings)),
    ...pageLinks('/v2/images', request.url, last && images.length === list.limit ? last.id : null),
    schema: '/v2/schemas/images',
  }
}

/** `first`, and `next` when there is a last id, both relative and with the query of the request. */
export function pageLinks(path: string, url: string, lastId: string | null): { first: string; next?: string } {
  const params = new URLSearchParams(url.split('?', 2)[1] ?? '')
  params.delete('marker')
  const query = params.size > 0 ? `?${params}` : ''
  if (lastId === null) return { first: `${path}${query}` }
  const next = new URLSearchParams([['marker', lastId], ...params])
  return { first: `${path}${query}`, next: `${path}?${next}` }
}
