import { type Context, hasCode, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { errors } from '../errors.ts'
import { findEncryption } from '../types/encryption-store.ts'
import { volumeFor } from './authorize.ts'
import { detailView, loadParts } from './view.ts'

/** GET /volumes/{id}. A policy's refusal looks like absence. */
export async function showVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const id = request.params.id!
  const volume = await volumeFor(context, q, id, 'volume:get').catch((error: unknown) => {
    throw hasCode(error, 'PolicyNotAuthorized') ? errors.VolumeNotFound({ volume_id: id }) : error
  })
  const parts = await loadParts(q, [volume])
  return { volume: detailView(context, request, volume, parts.get(id)!) }
}

/** GET /volumes/{id}/encryption. */
export async function showEncryption(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  return encryptionOf(context, request, deps)
}

/** GET /volumes/{id}/encryption/{key}: the bare value. */
export async function showEncryptionKey(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const value = own(await encryptionOf(context, request, deps), request.params.key!)
  return value === undefined || value === null ? '' : String(value)
}

async function encryptionOf(context: Context, request: ApiRequest, deps: ApiDeps): Promise<Record<string, unknown>> {
  const q = deps.database.query
  const volume = await volumeFor(context, q, request.params.id!, 'volume_extension:volume_encryption_metadata')
  const encryption = volume.volume_type_id === null ? undefined : await findEncryption(q, volume.volume_type_id)
  if (!encryption || volume.encryption_key_id === null) return { encryption_key_id: null }
  const { provider, control_location, cipher, key_size } = encryption
  return { encryption_key_id: volume.encryption_key_id, provider, control_location, cipher, key_size }
}
