import { type Context, hasCode, isUuid, setOwn } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { Image } from '../../model/clients/image.ts'
import { errors } from '../../model/errors.ts'
import { getSnapshot } from '../../model/snapshots/store.ts'
import { getVolume, readMetadata, type VolumeRow } from '../../model/volumes/store.ts'
import type { ImageSource } from '../../model/volumes/tasks.ts'
import type { ApiDeps } from '../deps.ts'
import { checkSnapshot } from '../snapshots/authorize.ts'
import { getVolumeFor } from './authorize.ts'

/** The source of a new volume. */
export interface Source {
  kind: 'blank' | 'snapshot' | 'volume' | 'image' | 'backup'
  /** Id of the snapshot, volume, image or backup. */
  id: string | null
  /** Smallest size of a volume from this source, in GiB; 0 for a blank volume. */
  sizeGiB: number
  typeId: string | null
  /** Name or id of the volume type that the image requests. */
  requestedType: string | null
  zone: string | null
  bootable: boolean
  imageMetadata: Record<string, string>
  image: Image | null
  /** The volume whose backend the new volume must be on. */
  origin: VolumeRow | null
}

export interface SourceInput {
  snapshot_id?: string | null
  source_volid?: string | null
  imageRef?: string | null
  image_id?: string | null
  backup_id?: string | null
}

const blank: Source = {
  kind: 'blank',
  id: null,
  sizeGiB: 0,
  typeId: null,
  requestedType: null,
  zone: null,
  bootable: false,
  imageMetadata: {},
  image: null,
  origin: null,
}

/**
 * Returns the source that the request names, after checking that the caller may use it. Throws 400, 403, 404 or 409.
 */
export async function resolveSource(context: Context, input: SourceInput, deps: ApiDeps): Promise<Source> {
  const imageRef = input.imageRef ?? input.image_id
  const given = [input.snapshot_id, input.source_volid, imageRef, input.backup_id].filter((one) => one)
  if (given.length > 1) {
    const reason = 'May specify only one of snapshot, imageRef, source volume or backup'
    throw errors.InvalidInput({ reason })
  }
  const q = deps.database.query
  if (input.snapshot_id) return fromSnapshot(context, q, input.snapshot_id)
  if (input.source_volid) return fromVolume(context, q, input.source_volid)
  if (input.backup_id) return fromBackup(context, q, input.backup_id)
  if (imageRef) return fromImage(context, imageRef, deps)
  return blank
}

async function fromSnapshot(context: Context, q: Query, id: string): Promise<Source> {
  const snapshot = checkSnapshot(context, await getSnapshot(q, id), 'volume:get_snapshot')
  if (snapshot.status !== 'available') {
    throw errors.InvalidSnapshot({ reason: `Originating snapshot status must be one of 'available' values` })
  }
  const origin = await getVolume(q, snapshot.volume_id)
  return {
    ...(await sourceLikeVolume(q, origin)),
    kind: 'snapshot',
    id,
    sizeGiB: snapshot.size,
    typeId: snapshot.volume_type_id,
  }
}

async function fromVolume(context: Context, q: Query, id: string): Promise<Source> {
  const origin = await getVolumeFor(context, q, id, 'volume:get')
  if (!['available', 'in-use'].includes(origin.status)) {
    throw errors.InvalidVolume({ reason: `Originating source volume status must be one of 'available, in-use' values` })
  }
  return { ...(await sourceLikeVolume(q, origin)), kind: 'volume', id }
}

async function sourceLikeVolume(q: Query, origin: VolumeRow): Promise<Source> {
  const imageMetadata = await readMetadata(q, origin.id, 'image')
  const { size: sizeGiB, volume_type_id: typeId, availability_zone: zone, bootable } = origin
  return { ...blank, sizeGiB, typeId, zone, bootable, imageMetadata, origin }
}

async function fromBackup(context: Context, q: Query, id: string): Promise<Source> {
  const backup = await q('backups').where({ id }).first()
  const own = backup && (backup.project_id === context.identity?.projectId || context.may('context_is_admin'))
  if (!own) throw errors.BackupNotFound({ backup_id: id })
  if (backup.status !== 'available') {
    throw errors.InvalidBackup({ reason: `Originating backup status must be one of 'available' values` })
  }
  return { ...blank, kind: 'backup', id, sizeGiB: Number(backup.size) }
}

async function fromImage(context: Context, reference: string, deps: ApiDeps): Promise<Source> {
  context.enforce('volume:create_from_image')
  const image = await findImage(context.token ?? '', reference, deps)
  if (image.status !== 'active') throw errors.InvalidInput({ reason: `Image ${image.id} is not active.` })
  const bytes = Math.max(image.size ?? 0, image.virtual_size ?? 0)
  const requested = image.cinder_img_volume_type
  return {
    ...blank,
    kind: 'image',
    id: image.id,
    sizeGiB: Math.ceil(bytes / 2 ** 30),
    requestedType: typeof requested === 'string' ? requested : null,
    bootable: true,
    imageMetadata: imageMetadataOf(image),
    image,
  }
}

/** Returns the image. `reference` is an id, a URL that ends in an id, or the name of exactly one image. */
async function findImage(token: string, reference: string, deps: ApiDeps): Promise<Image> {
  const id = reference.replace(/\/+$/, '').split('/').at(-1)!
  if (isUuid(id)) {
    return deps.images.get(token, id).catch((error: unknown) => {
      throw hasCode(error, 'ImageNotFound') || hasCode(error, 'Forbidden')
        ? errors.InvalidInput({ reason: `Invalid image identifier or unable to access requested image.` }, error)
        : error
    })
  }
  const images = await deps.images.listByName(token, reference)
  if (images.length > 1)
    throw errors.Conflict({ reason: `Multiple matches found for '${reference}', use an ID to be more specific.` })
  if (images.length === 0) {
    throw errors.InvalidInput({ reason: 'Invalid image identifier or unable to access requested image.' })
  }
  return images[0]!
}

/** Returns the facts about an image that the volume role needs to download it. */
export function imageSourceOf(image: Image): ImageSource {
  return {
    id: image.id,
    checksum: image.os_hash_value ?? image.checksum ?? '',
    diskFormat: image.disk_format ?? 'raw',
    containerFormat: image.container_format ?? 'bare',
    size: image.size ?? 0,
  }
}

const fixedProperties = ['container_format', 'disk_format', 'min_disk', 'min_ram', 'size', 'checksum'] as const
const imageAttributes = new Set([
  ...['id', 'name', 'status', 'visibility', 'protected', 'owner', 'virtual_size', 'created_at', 'updated_at', 'tags'],
  ...['self', 'file', 'schema', 'os_hash_algo', 'os_hash_value', 'os_hidden', 'direct_url', 'locations', 'stores'],
  ...['metadata', 'members', 'deleted', 'deleted_at', 'store'],
  ...fixedProperties,
])

/** Returns the image metadata that is saved with a volume: the fixed properties and all custom ones. */
function imageMetadataOf(image: Image): Record<string, string> {
  const metadata: Record<string, string> = { image_id: image.id }
  if (image.name !== null) metadata.image_name = image.name
  for (const key of fixedProperties)
    if (image[key] !== null && image[key] !== undefined) metadata[key] = String(image[key])
  for (const [key, value] of Object.entries(image)) {
    const isCustom = !imageAttributes.has(key) && !key.startsWith('os_glance')
    if (isCustom && (typeof value === 'string' || typeof value === 'number')) setOwn(metadata, key, String(value))
  }
  return metadata
}
