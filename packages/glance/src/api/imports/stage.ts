import { type Context, isHearthError } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { stagingStore } from '../../data/staging.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import { moveImage, releaseWorker, writeSize } from '../../model/images/store.ts'
import type { ApiDeps } from '../deps.ts'
import { checkStorageQuota, declaredSizeOf, requireOctets } from '../images/upload.ts'

/** PUT /v2/images/{id}/stage: queued → uploading, with the bytes on this host until they are imported. */
export async function stageImage(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  requireOctets(request)
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, 'upload_image', 'upload data to', query)
  const declared = declaredSizeOf(request)
  await checkStorageQuota(image.owner, declared ?? 0, deps)
  const worker = { name: deps.worker, store: stagingStore }
  if (!(await moveImage(query, image.id, 'uploading', { from: 'queued', worker }))) {
    throw glanceErrors.StatusConflict({ from: image.status, to: 'uploading' })
  }
  const source = request.stream.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  try {
    const size = await deps.staging.write(image.id, source, deps.settings.imageSizeCap)
    if (declared !== null && declared !== size) {
      throw glanceErrors.BadRequest({ reason: `Image data is ${size} bytes where ${declared} bytes were declared` })
    }
    await writeSize(query, image.id, size)
    await releaseWorker(query, image.id)
  } catch (error) {
    request.stream.resume()
    await deps.staging
      .remove(image.id)
      .catch((cause: unknown) => deps.log.warn({ err: cause, imageId: image.id }, 'cannot remove staged bytes'))
    await moveImage(query, image.id, 'queued', { from: 'uploading', worker: null, set: { size: null } })
    if (isHearthError(error) || !request.stream.destroyed) throw error
    throw glanceErrors.BadRequest({ reason: 'The client went away before all image data was received' }, error)
  }
}
