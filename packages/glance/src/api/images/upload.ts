import { type Context, type HearthError, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { type Ingested, ingest, purge } from '../../data/ingest.ts'
import { chooseStore, type StoreEntry } from '../../data/stores.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import type { Image } from '../../model/images/image.ts'
import { addLocation, moveImage, releaseWorker, storedBytes } from '../../model/images/store.ts'

type UploadDeps = Pick<GlanceDeps, 'database' | 'stores' | 'settings' | 'hashing' | 'worker' | 'log'>

/**
 * PUT /v2/images/{id}/file: queued → saving → active. On any failure the image is queued again with no bytes left, or
 * gone if it was deleted meanwhile (410).
 */
export async function uploadImage(context: Context, request: ApiRequest, deps: UploadDeps): Promise<undefined> {
  requireOctets(request)
  const declaredSize = declaredSizeOf(request)
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, 'upload_image', 'upload data to', query)
  const store = chooseStore(deps.stores, headerOf(request, 'x-image-meta-store'))
  await begin(image, declaredSize, store, deps)
  let stored: Ingested
  try {
    stored = await ingest({ image, data: request.stream, declaredSize, store, signal: request.aborted }, deps)
  } catch (error) {
    throw await takeBack(image.id, store, error as HearthError, deps)
  }
  await finishUpload(image, stored, store, 'saving', deps)
}

/** Throws UnsupportedMediaType (415) unless the body is declared as plain bytes. */
export function requireOctets(request: ApiRequest): void {
  if (request.headers['content-type'] === 'application/octet-stream') return
  throw glanceErrors.UnsupportedMediaType({ reason: "Content-Type must be 'application/octet-stream'" })
}

/**
 * Returns the bytes that the client announced: `x-openstack-image-size`, else Content-Length; null for a chunked body
 * without either.
 */
export function declaredSizeOf(request: ApiRequest): number | null {
  const text = headerOf(request, 'x-openstack-image-size') ?? headerOf(request, 'content-length')
  if (text === undefined) return null
  if (!/^\d+$/.test(text)) throw glanceErrors.BadRequest({ reason: `'${text}' is not a size in bytes` })
  return Number(text)
}

/** Returns the value of a request header; undefined when it is absent. */
export function headerOf(request: ApiRequest, name: string): string | undefined {
  const value = own(request.headers, name)
  return Array.isArray(value) ? value[0] : value
}

async function begin(image: Image, declaredSize: number | null, store: StoreEntry, deps: UploadDeps): Promise<void> {
  const { database, settings } = deps
  if (image.status === 'queued') {
    requireFormats(image)
    checkSize(declaredSize, settings.imageSizeCap)
    await checkStorageQuota(image.owner, declaredSize ?? 0, deps)
  }
  const worker = { name: deps.worker, store: store.id }
  if (await moveImage(database.query, image.id, 'saving', { from: 'queued', worker })) return
  throw glanceErrors.StatusConflict({ from: image.status, to: 'saving' })
}

/** Throws BadRequest (400) for an image that does not say what it is. */
export function requireFormats(image: Image): void {
  const missing = [
    image.diskFormat === null ? 'disk_format' : null,
    image.containerFormat === null ? 'container_format' : null,
  ].filter((name) => name !== null)
  if (missing.length === 0) return
  throw glanceErrors.BadRequest({ reason: `Properties ${missing.join(', ')} must be set prior to saving data.` })
}

function checkSize(size: number | null, cap: number): void {
  if (size !== null && size > cap) {
    throw glanceErrors.OverLimit({ reason: `Image exceeds the size cap of ${cap} bytes` })
  }
}

/** Throws OverLimit (413) when the owner's images would take more than the quota with `more` bytes. */
export async function checkStorageQuota(
  owner: string | null,
  more: number,
  deps: Pick<GlanceDeps, 'database' | 'settings'>,
): Promise<void> {
  const quota = deps.settings.userStorageQuota
  if (quota === 0) return
  const used = await storedBytes(deps.database.query, owner)
  if (used + more > quota) {
    throw glanceErrors.OverLimit({ reason: `Storage quota of ${quota} bytes exceeded: ${used} used, ${more} asked` })
  }
}

/**
 * Removes the bytes of a failed transfer and queues the image again. Returns the error to throw: 410 when the image was
 * deleted meanwhile. When the store cannot remove them now, the image keeps its worker, so that recovery retries.
 */
async function takeBack(
  imageId: string,
  store: StoreEntry,
  error: HearthError,
  deps: UploadDeps,
): Promise<HearthError> {
  const worker = (await purge(store, imageId, deps)) ? null : undefined
  if (await moveImage(deps.database.query, imageId, 'queued', { from: 'saving', worker })) return error
  if (worker === null) await releaseWorker(deps.database.query, imageId)
  return gone()
}

const gone = () => glanceErrors.Gone({ reason: 'The image was deleted while its data was uploaded' })

/**
 * Makes the image active with the facts about its bytes. When it is no longer in `from`, removes its bytes and throws
 * Gone (410).
 */
async function finishUpload(
  image: Image,
  stored: Ingested,
  store: StoreEntry,
  from: string,
  deps: Pick<GlanceDeps, 'database' | 'settings' | 'log'>,
): Promise<void> {
  const { location, ...learnt } = stored
  try {
    await checkStorageQuota(image.owner, stored.size, deps)
    await deps.database.transaction(async (tx) => {
      const set = { ...learnt }
      if (!(await moveImage(tx, image.id, 'active', { from, set, worker: null }))) throw gone()
      await addLocation(tx, image.id, { store: store.id, url: location, metadata: {} })
    })
  } catch (error) {
    const worker = (await purge(store, image.id, deps)) ? null : undefined
    const back = await moveImage(deps.database.query, image.id, 'queued', { from, worker })
    if (!back && worker === null) await releaseWorker(deps.database.query, image.id)
    throw error
  }
}
