import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { ImageCache } from '../../data/cache.ts'
import { glanceErrors } from '../../model/errors.ts'
import { seeImage } from '../../model/images/access.ts'
import type { ApiDeps } from '../deps.ts'
import { openCopy } from '../images/download.ts'
import { headerOf } from '../images/upload.ts'

/** The cache, or NotFound (404) where it is off. */
function cacheOf(deps: ApiDeps): ImageCache {
  if (deps.cache) return deps.cache
  throw glanceErrors.NotFound({ reason: 'Caching via API is not supported at this site.' })
}

/** GET /v2/cache. */
export async function listCache(_context: Context, _request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const cache = cacheOf(deps)
  return {
    cached_images: cache.list().map((each) => ({
      image_id: each.imageId,
      hits: each.hits,
      size: each.size,
      last_accessed: each.lastAccessed / 1000,
      last_modified: each.lastModified / 1000,
      checksum: each.checksum,
    })),
    queued_images: cache.queued(),
  }
}

/** PUT /v2/cache/{id}: to be fetched soon. */
export async function queueForCache(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const cache = cacheOf(deps)
  const { image } = await seeImage(context, request.params.image_id!, deps.database.query)
  if (image.status !== 'active')
    throw glanceErrors.BadRequest({ reason: 'Only images with status active can be cached.' })
  cache.queue(image, async () => {
    const data = await openCopy(image, image.locations, null, deps)
    if (!data) throw glanceErrors.ImageDataNotFound()
    return data
  })
}

/** DELETE /v2/cache/{id}. */
export async function removeFromCache(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const cache = cacheOf(deps)
  const { image } = await seeImage(context, request.params.image_id!, deps.database.query)
  await cache.remove(image.id)
}

/** DELETE /v2/cache: the cache, the queue, or both, as `x-image-cache-clear-target` says. */
export async function clearCache(_context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const cache = cacheOf(deps)
  const target = (headerOf(request, 'x-image-cache-clear-target') ?? '').toLowerCase()
  if (!['', 'cache', 'queue'].includes(target)) {
    throw glanceErrors.BadRequest({
      reason: `If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty.`,
    })
  }
  if (target !== 'queue') for (const { imageId } of cache.list()) await cache.remove(imageId)
  if (target !== 'cache') cache.clearQueue()
}

/** POST /v2/cache/prune. */
export async function pruneCache(_context: Context, _request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { files, bytes } = await cacheOf(deps).prune()
  return { total_files_pruned: files, total_bytes_pruned: bytes }
}

/** POST /v2/cache/clean: unfinished copies remove themselves here, so there is nothing to do. */
export async function cleanCache(_context: Context, _request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  cacheOf(deps)
}

/** GET /v2/cache/nodes/{id}: kept per host; which hosts have an image is not known centrally. */
export async function listCacheNodes(_context: Context, _request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  cacheOf(deps)
  throw glanceErrors.Conflict({ reason: 'Which nodes have an image is not kept centrally.' })
}
