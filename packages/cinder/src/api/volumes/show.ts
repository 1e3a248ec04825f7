import { type Context, hasCode, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { findEncryption } from '../../model/types/encryption-store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from './authorize.ts'
import { detailView, loadRelations } from './view.ts'

/** GET /volumes/{id}. Throws VolumeNotFound (404) if the policy forbids it too, so that existence stays hidden. */
export async function showVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const id = request.params.id!
  const volume = await getVolumeFor(context, q, id, 'volume:get').catch((error: unknown) => {
    throw hasCode(error, 'PolicyNotAuthorized') ? errors.VolumeNotFound({ volume_id: id }) : error
  })
  const relations = await loadRelations(q, [volume])
  return { volume: detailView(context, request, volume, relations.get(id)!) }
}

/** GET /volumes/{id}/encryption: returns the encryption specs of the volume's type. */
export async function showEncryption(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  return encryptionOf(context, request, deps)
}

/** GET /volumes/{id}/encryption/{key}: returns the value as plain text, empty if there is none. */
export async function showEncryptionKey(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const value = own(await encryptionOf(context, request, deps), request.params.key!)
  return value === undefined || value === null ? '' : String(value)
}

async function encryptionOf(context: Context, request: ApiRequest, deps: ApiDeps): Promise<Record<string, unknown>> {
  const q = deps.database.query
  const volume = await getVolumeFor(context, q, request.params.id!, 'volume_extension:volume_encryption_metadata')
  const encryption = volume.volume_type_id === null ? undefined : await findEncryption(q, volume.volume_type_id)
  if (!encryption || volume.encryption_key_id === null) return { encryption_key_id: null }
  const { provider, control_location, cipher, key_size } = encryption
  return { encryption_key_id: volume.encryption_key_id, provider, control_location, cipher, key_size }
}
