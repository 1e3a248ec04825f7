import type { Readable } from 'node:stream'
import type { Context } from '@hearth/core'
import { isDriverError } from '@hearth/driver'
import { type ApiRequest, queryValue, Reply } from '@hearth/http'
import type { ImageCache } from '../../data/cache.ts'
import type { GlanceDeps } from '../../data/deps.ts'
import type { Stores } from '../../data/stores.ts'
import { isWebLocation, readWebLocation } from '../../data/web-location.ts'
import { glanceErrors } from '../../model/errors.ts'
import { isAdmin, openImage } from '../../model/images/access.ts'
import type { Image, Location } from '../../model/images/image.ts'
import { parseRange, type Range } from './range.ts'
import { headerOf } from './upload.ts'

/**
 * GET /v2/images/{id}/file: 200, 206 for a range, 204 without bytes. Tries copies in order of preference, and skips one
 * whose bytes are missing; 204 when they are missing everywhere.
 */
export async function downloadImage(
  context: Context,
  request: ApiRequest,
  deps: CopyDeps & Pick<GlanceDeps, 'database'> & { cache: ImageCache | null },
): Promise<Reply> {
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, 'download_image', 'download', query)
  if (image.status === 'deactivated' && !isAdmin(context)) throw glanceErrors.ImageDeactivated()
  const prefer = preferred(queryValue(request.query, 'prefer'), deps.stores)
  const copies = inOrder(image.locations, prefer, deps.stores)
  if (copies.length === 0) return new Reply(204)
  const range = image.size === null ? null : parseRange(rangeHeader(request), image.size)
  const data = deps.cache?.read(image.id, range) ?? (await openKept(image, copies, range, deps))
  if (!data) return new Reply(204)
  return new Reply(range ? 206 : 200, data, headersOf(image, range))
}

/** `Content-Range: bytes a-b/*` in a request is the older way to ask for a part. */
function rangeHeader(request: ApiRequest): string | undefined {
  const legacy = headerOf(request, 'content-range')
  return headerOf(request, 'range') ?? legacy?.replace(/^bytes\s+/, 'bytes=').replace(/\/.*$/, '')
}

function headersOf(image: Image, range: Range | null): Record<string, string> {
  const length = range ? range.length : image.size
  return {
    'content-type': 'application/octet-stream',
    ...(image.checksum ? { 'content-md5': image.checksum } : {}),
    ...(length === null ? {} : { 'content-length': String(length) }),
    ...(range ? { 'content-range': `bytes ${range.offset}-${range.offset + range.length - 1}/${image.size}` } : {}),
  }
}

function preferred(text: string | undefined, stores: Stores): string[] {
  const ids = text === undefined ? [] : text.split(',').filter((id) => id !== '')
  const unknown = ids.find((id) => !stores.find(id))
  if (unknown !== undefined) throw glanceErrors.BadRequest({ reason: `Store ${unknown} is not known` })
  return ids
}

/** The stores asked for first, then the others by weight, heaviest first. */
function inOrder(locations: readonly Location[], prefer: readonly string[], stores: Stores): Location[] {
  const rank = (location: Location) => {
    const at = location.store === null ? -1 : prefer.indexOf(location.store)
    return at === -1 ? prefer.length : at
  }
  const weight = (location: Location) => stores.find(location.store)?.weight ?? 0
  return [...locations].sort((a, b) => rank(a) - rank(b) || weight(b) - weight(a))
}

/** From a store, kept in the cache on its way when it is asked for as a whole. */
async function openKept(
  image: Image,
  copies: readonly Location[],
  range: Range | null,
  deps: CopyDeps & { cache: ImageCache | null },
): Promise<Readable | null> {
  const data = await openCopy(image, copies, range, deps)
  return data && !range && deps.cache ? deps.cache.keep(image, data) : data
}

type CopyDeps = Pick<GlanceDeps, 'stores' | 'settings' | 'log'>

/** The first copy that can be read; null when all are missing. Throws StoreUnavailable (503). */
export async function openCopy(
  image: Image,
  copies: readonly Location[],
  range: Range | null,
  deps: CopyDeps,
): Promise<Readable | null> {
  let unreachable: unknown
  for (const copy of copies) {
    try {
      const entry = deps.stores.find(copy.store)
      if (entry) return await entry.store.get(copy.url, range ?? undefined)
      if (isWebLocation(copy.url)) return await readWebLocation(copy.url, deps.settings.uriFilter, range ?? undefined)
      unreachable = new Error(`store ${copy.store} is not configured`)
    } catch (error) {
      deps.log.warn({ err: error, imageId: image.id, store: copy.store }, 'cannot read a copy of an image')
      if (!isDriverError(error) || error.kind !== 'not-found') unreachable = error
    }
  }
  if (unreachable === undefined) return null
  throw glanceErrors.StoreUnavailable({ reason: 'no copy of the image can be read' }, unreachable)
}
