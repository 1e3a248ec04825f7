import { type Context, uuid } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { glanceErrors } from '../../model/errors.ts'
import { projectOf } from '../../model/images/access.ts'
import { type Image, policyTarget } from '../../model/images/image.ts'
import { insertImage } from '../../model/images/store.ts'
import { checkAmounts, checkOwnership, refuseReadOnly, writableFields } from './attributes.ts'
import { baseAttributes } from './schema.ts'
import { viewImage } from './view.ts'

/**
 * POST /v2/images. Creates a `queued` image without bytes. Throws 403 for read-only and reserved names, 409 for a used
 * id.
 */
export async function createImage(
  context: Context,
  request: ApiRequest,
  deps: Pick<GlanceDeps, 'database' | 'settings' | 'stores'> & { importMethods: readonly string[] },
): Promise<Reply> {
  const body = request.body as Record<string, unknown>
  for (const name of Object.keys(body)) refuseReadOnly(name)
  if (Array.isArray(body.locations) && body.locations.length > 0) {
    throw glanceErrors.Forbidden({ reason: "It's not allowed to add locations when an image is created." })
  }
  const image = newImage(body, projectOf(context))
  checkAmounts(image, deps.settings)
  checkOwnership(context, image)
  context.enforce('add_image', policyTarget(image))
  const inserted = await deps.database.transaction((tx) => insertImage(tx, image))
  if (!inserted) throw glanceErrors.DuplicateImage({ image_id: image.id })
  const stores = deps.stores.all.filter((entry) => !entry.readOnly).map((entry) => entry.id)
  return new Reply(201, viewImage(image, context, deps.settings), {
    location: `${request.baseUrl}/v2/images/${image.id}`,
    ...(deps.importMethods.length > 0 ? { 'openstack-image-import-methods': deps.importMethods.join(',') } : {}),
    'openstack-image-store-ids': stores.join(','),
  })
}

function newImage(body: Record<string, unknown>, project: string | null): Image {
  const now = Date.now()
  const image: Image = {
    id: typeof body.id === 'string' ? body.id.toLowerCase() : uuid(),
    name: null,
    status: 'queued',
    visibility: 'shared',
    protected: false,
    hidden: false,
    checksum: null,
    hashAlgorithm: null,
    hashValue: null,
    owner: project,
    size: null,
    virtualSize: null,
    containerFormat: null,
    diskFormat: null,
    minRam: 0,
    minDisk: 0,
    createdAt: now,
    updatedAt: now,
    revision: 1,
    tags: [],
    properties: new Map(),
    locations: [],
  }
  for (const [name, value] of Object.entries(body)) {
    const field = writableFields.get(name)
    if (field === 'tags') image.tags = [...new Set(value as string[])].sort()
    else if (field) Object.assign(image, { [field]: value })
    else if (!baseAttributes.has(name)) image.properties.set(name, value as string)
  }
  return image
}
