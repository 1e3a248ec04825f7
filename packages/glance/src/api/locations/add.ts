import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { mayFetch } from '../../data/uri-filter.ts'
import { isWebLocation } from '../../data/web-location.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import type { Image } from '../../model/images/image.ts'
import { addLocation, findImage, moveImage } from '../../model/images/store.ts'
import { insertTask } from '../../model/tasks/store.ts'
import type { ApiDeps } from '../deps.ts'
import { requireFormats } from '../images/upload.ts'
import { viewImage } from '../images/view.ts'

interface LocationBody {
  url: string
  validation_data?: { os_hash_algo?: string; os_hash_value?: string }
}

const algorithm = 'sha512'
const bad = (reason: string) => glanceErrors.BadRequest({ reason })

/**
 * POST /v2/images/{id}/locations. Adds the first location of a queued image; 202. A task computes its hash later. When
 * the client sent a hash, the image is `importing` until both are equal, else it is active at once.
 */
export async function addFirstLocation(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { url, validation_data: validation } = request.body as LocationBody
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, 'add_image_location', 'add a location to', query)
  const { webLocations, uriFilter } = deps.settings
  if (!webLocations || !isWebLocation(url) || !mayFetch(url, uriFilter)) throw bad('Invalid location')
  if (validation) checkValidation(validation)
  if (image.status !== 'queued') throw glanceErrors.StatusConflict({ from: image.status, to: 'active' })
  requireFormats(image)
  const expected = validation?.os_hash_value ?? null
  const taskId = await register(context, image, url, expected, deps)
  deps.imports.startHashing({ taskId, imageId: image.id, url, expected })
  return viewImage((await findImage(query, image.id))!, context, deps.settings)
}

function checkValidation({
  os_hash_algo: given,
  os_hash_value: value,
}: {
  os_hash_algo?: string
  os_hash_value?: string
}) {
  if (!given || !value) throw bad('validation_data needs os_hash_algo and os_hash_value')
  if (given !== algorithm) throw bad(`os_hash_algo must be '${algorithm}'`)
  if (!/^[0-9a-f]{128}$/.test(value)) throw bad('Malformed os_hash_value')
}

async function register(
  context: Context,
  image: Image,
  url: string,
  expected: string | null,
  deps: ApiDeps,
): Promise<string> {
  return deps.database.transaction(async (tx) => {
    const worker = { name: deps.worker, store: '' }
    const moved =
      expected === null
        ? await moveImage(tx, image.id, 'active', { from: 'queued' })
        : await moveImage(tx, image.id, 'importing', { from: 'queued', worker })
    if (!moved) throw glanceErrors.StatusConflict({ from: image.status, to: 'active' })
    await addLocation(tx, image.id, { store: null, url, metadata: {} })
    const { userId = null, projectId = null } = context.identity ?? {}
    const input = { image_id: image.id, loc_url: url, validation_data: expected }
    const task = { type: 'location_import', owner: projectId, userId, imageId: image.id, input, worker: deps.worker }
    return insertTask(tx, { ...task, requestId: context.requestId })
  })
}
