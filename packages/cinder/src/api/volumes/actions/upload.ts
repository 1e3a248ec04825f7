import { type Context, isoMicroseconds, own, setOwn } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { Image } from '../../../model/clients/image.ts'
import { errors } from '../../../model/errors.ts'
import { messageContext, uploadVolume as uploadTopic } from '../../../model/topics.ts'
import { getVolumeType } from '../../../model/types/store.ts'
import { volumeStates } from '../../../model/volumes/states.ts'
import { backendOf, getVolume, readMetadata, type VolumeRow } from '../../../model/volumes/store.ts'
import type { UploadTask } from '../../../model/volumes/tasks.ts'
import type { ApiDeps } from '../../deps.ts'
import { getVolumeFor } from '../authorize.ts'
import { isTruthy } from '../schema.ts'

interface UploadBody {
  image_name: string
  force?: boolean | string
  disk_format?: string
  container_format?: string
  visibility?: string
  protected?: boolean | string
}

/** os-volume_upload_image: creates an image as the caller, and casts the upload of its bytes to the backend. */
export async function uploadVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const volume = await getVolumeFor(context, q, request.params.id!, 'volume_extension:volume_actions:upload_image')
  const body = (request.body as { 'os-volume_upload_image': UploadBody })['os-volume_upload_image']
  const withVisibility = context.allows('upload-visibility')
  const visibility = withVisibility ? (body.visibility ?? 'private') : undefined
  if (visibility === 'public') context.enforce('volume_extension:volume_actions:upload_public')
  checkVolume(volume, body)
  const metadata = await readMetadata(q, volume.id, 'image')
  const image = await deps.images.create(context.token ?? '', newImage(context, body, metadata))
  try {
    await begin(context, volume, { imageId: image.id, diskFormat: image.disk_format ?? 'raw' }, deps)
  } catch (error) {
    await deps.images.delete(context.token ?? '', image.id).catch(() => undefined)
    throw error
  }
  return { 'os-volume_upload_image': await view(await getVolume(q, volume.id), image, withVisibility, deps) }
}

function checkVolume(volume: VolumeRow, body: UploadBody): void {
  if (volume.status === 'available' && volume.host !== null) return
  const reason =
    volume.status === 'in-use' && isTruthy(body.force)
      ? 'Force upload to image is disabled, Force option will be ignored.'
      : `Volume ${volume.id} status must be available, but current status is: ${volume.status}.`
  throw errors.InvalidVolume({ reason })
}

/** Image metadata of a volume that describes the bytes of the old image, so a new image does not get it. */
const oldImageKeys = new Set([
  'image_id',
  'image_name',
  'checksum',
  'container_format',
  'disk_format',
  'size',
  'signature_verified',
])

function newImage(context: Context, body: UploadBody, metadata: Record<string, string>): Record<string, unknown> {
  const image: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(metadata)) if (!oldImageKeys.has(key)) setOwn(image, key, value)
  for (const key of ['min_disk', 'min_ram'])
    if (own(image, key) !== undefined) setOwn(image, key, Number(own(image, key)))
  image.name = body.image_name
  image.disk_format = body.disk_format ?? 'raw'
  image.container_format = body.container_format ?? 'bare'
  if (context.allows('upload-visibility')) {
    image.visibility = body.visibility ?? 'private'
    image.protected = isTruthy(body.protected)
  }
  return image
}

async function begin(context: Context, volume: VolumeRow, task: UploadTask, deps: ApiDeps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const set = { previous_status: volume.status, task: JSON.stringify(task) }
    const { id, status: from } = volume
    if (!(await move(tx, { table: 'volumes', id, to: 'uploading', states: volumeStates, from, set }))) {
      throw errors.InvalidVolume({ reason: `Volume ${id} is no longer ${from}.` })
    }
    await deps.bus.cast(tx, uploadTopic, backendOf(volume.host!), { volumeId: id }, messageContext(context))
  })
}

async function view(volume: VolumeRow, image: Image, withVisibility: boolean, deps: ApiDeps): Promise<object> {
  const type = volume.volume_type_id === null ? null : await getVolumeType(deps.database.query, volume.volume_type_id)
  return {
    id: volume.id,
    updated_at: isoMicroseconds(volume.updated_at),
    status: 'uploading',
    display_description: volume.description,
    size: volume.size,
    volume_type: type && {
      id: type.id,
      name: type.name,
      description: type.description,
      is_public: type.isPublic,
      extra_specs: type.extraSpecs,
      qos_specs_id: type.qosSpecsId,
    },
    image_id: image.id,
    container_format: image.container_format,
    disk_format: image.disk_format,
    image_name: image.name,
    ...(withVisibility && { visibility: image.visibility, protected: image.protected }),
  }
}
