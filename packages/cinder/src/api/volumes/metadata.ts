import { createHash } from 'node:crypto'
import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import {
  deleteMetadata,
  lockVolume,
  type MetadataKind,
  readMetadata,
  writeMetadata,
} from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from './authorize.ts'

type Entries = Record<string, string>

function etagOf(body: object): string {
  return createHash('md5').update(JSON.stringify(body)).digest('hex')
}

/** GET /volumes/{id}/metadata, with an ETag since 3.15. */
export async function listMetadata(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const volume = await getVolumeFor(context, q, request.params.id!, 'volume:get_volume_metadata')
  const body = { metadata: await readMetadata(q, volume.id, 'user') }
  return context.allows('metadata-etag') ? new Reply(200, body, { etag: etagOf(body) }) : body
}

/** POST merges metadata, PUT replaces it. Throws PreconditionFailed (412) if `If-Match` is not the current ETag. */
export async function setMetadata(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const replace = request.method === 'PUT'
  const rule = replace ? 'volume:update_volume_metadata' : 'volume:create_volume_metadata'
  const { metadata } = request.body as { metadata: Entries }
  return { metadata: await writeGuarded(context, request, deps, rule, metadata, replace) }
}

async function writeGuarded(
  context: Context,
  request: ApiRequest,
  deps: ApiDeps,
  rule: string,
  entries: Entries,
  replace: boolean,
): Promise<Entries> {
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  return deps.database.transaction(async (tx) => {
    const { status } = await lockVolume(tx, volume.id)
    if (status === 'maintenance' || status === 'uploading') {
      throw errors.InvalidVolume({ reason: `Metadata of volume ${volume.id} cannot be changed in status ${status}.` })
    }
    const wanted = request.headers['if-match']
    if (wanted !== undefined && context.allows('metadata-etag')) {
      const now = etagOf({ metadata: await readMetadata(tx, volume.id, 'user') })
      if (wanted.replaceAll('"', '') !== now) throw errors.PreconditionFailed()
    }
    await writeMetadata(tx, volume.id, 'user', entries, replace)
    return readMetadata(tx, volume.id, 'user')
  })
}

/** GET /volumes/{id}/metadata/{key}. Throws VolumeMetadataNotFound (404). */
export async function showMetadataItem(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const { id = '', key = '' } = request.params
  await getVolumeFor(context, q, id, 'volume:get_volume_metadata')
  const metadata = await readMetadata(q, id, 'user')
  if (!Object.hasOwn(metadata, key)) throw errors.VolumeMetadataNotFound({ id, key })
  return { meta: { [key]: metadata[key] } }
}

/** PUT /volumes/{id}/metadata/{key}. */
export async function setMetadataItem(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const { key = '' } = request.params
  const { meta } = request.body as { meta: Entries }
  const value = onlyItem(meta, key)
  await writeGuarded(context, request, deps, 'volume:update_volume_metadata', { [key]: value }, false)
  return { meta: { [key]: value } }
}

/** Returns the value of a body that must hold only the key of the path. Throws InvalidParameter (400). */
export function onlyItem(meta: Entries, key: string): string {
  if (!Object.hasOwn(meta, key)) throw errors.InvalidParameter({ reason: 'Request body and URI mismatch' })
  if (Object.keys(meta).length > 1) throw errors.InvalidParameter({ reason: 'Request body contains too many items' })
  return meta[key]!
}

/** DELETE /volumes/{id}/metadata/{key}. Throws VolumeMetadataNotFound (404). */
export async function removeMetadataItem(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id = '', key = '' } = request.params
  await getVolumeFor(context, deps.database.query, id, 'volume:delete_volume_metadata')
  if (!(await deleteMetadata(deps.database.query, id, 'user', key))) throw errors.VolumeMetadataNotFound({ id, key })
  return undefined
}

/** os-set_image_metadata: merges the image metadata and returns all of it. */
export async function setImageMetadata(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const rule = 'volume_extension:volume_image_metadata:set'
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  const { metadata } = (request.body as { 'os-set_image_metadata': { metadata: Entries } })['os-set_image_metadata']
  await deps.database.transaction((tx) => writeMetadata(tx, volume.id, 'image', metadata))
  return showAll(deps, volume.id, 'image')
}

/** os-show_image_metadata: returns the image metadata. */
export async function showImageMetadata(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const rule = 'volume_extension:volume_image_metadata:show'
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  return showAll(deps, volume.id, 'image')
}

/** os-unset_image_metadata: deletes one key. Throws ItemNotFound (404). */
export async function unsetImageMetadata(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'volume_extension:volume_image_metadata:remove'
  const { id } = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  const { key } = (request.body as { 'os-unset_image_metadata': { key: string } })['os-unset_image_metadata']
  if (!(await deleteMetadata(deps.database.query, id, 'image', key))) {
    throw errors.ItemNotFound({ reason: 'Metadata item was not found' })
  }
  return undefined
}

async function showAll(deps: ApiDeps, id: string, kind: MetadataKind): Promise<unknown> {
  return { metadata: await readMetadata(deps.database.query, id, kind) }
}
