import { type Context, isoMicroseconds, own, uuid } from '@hearth/core'
import type { Database, Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import {
  deleteEncryption,
  type EncryptionFields,
  findEncryption,
  insertEncryption,
  updateEncryption,
} from '../../model/types/encryption-store.ts'
import { getVolumeType, typeInUse } from '../../model/types/store.ts'

type Deps = { database: Database }

/** GET /types/{id}/encryption: the bare specs, `{}` when there are none. */
export async function showEncryption(_context: Context, request: ApiRequest, deps: Deps) {
  return (await read(request.params.id!, deps)) ?? {}
}

/** GET /types/{id}/encryption/{key}. */
export async function showEncryptionKey(_context: Context, request: ApiRequest, deps: Deps) {
  const { id, key } = request.params as { id: string; key: string }
  const specs = await read(id, deps)
  if (!specs || !Object.hasOwn(specs, key)) throw errors.VolumeTypeEncryptionNotFound({ type_id: id })
  return { [key]: own(specs, key) }
}

/** POST /types/{id}/encryption. Refused (400) while volumes exist. */
export async function createEncryption(_context: Context, request: ApiRequest, deps: Deps) {
  const id = request.params.id!
  const fields = (request.body as { encryption: EncryptionFields }).encryption
  const row = storable(fields)
  const encryptionId = uuid()
  await deps.database.transaction(async (tx) => {
    await mayWrite(tx, id, 'create')
    if (await findEncryption(tx, id)) throw errors.VolumeTypeEncryptionExists({ type_id: id })
    await insertEncryption(tx, id, encryptionId, row)
  })
  return {
    encryption: { cipher: null, key_size: null, ...fields, volume_type_id: id, encryption_id: encryptionId },
  }
}

/** PUT /types/{id}/encryption/{encryption_id}. Returns the fields that the request contained. */
export async function changeEncryption(_context: Context, request: ApiRequest, deps: Deps) {
  const id = request.params.id!
  const fields = (request.body as { encryption: Partial<EncryptionFields> }).encryption
  await deps.database.transaction(async (tx) => {
    await mayWrite(tx, id, 'update')
    if (!(await findEncryption(tx, id))) throw errors.VolumeTypeEncryptionNotFound({ type_id: id })
    await updateEncryption(tx, id, storable(fields))
  })
  return { encryption: fields }
}

/** DELETE /types/{id}/encryption/{encryption_id}. */
export async function removeEncryption(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const id = request.params.id!
  await deps.database.transaction(async (tx) => {
    await mayWrite(tx, id, 'delete')
    if (!(await deleteEncryption(tx, id))) throw errors.VolumeTypeEncryptionNotFound({ type_id: id })
  })
}

/** A size may come as text, as Cinder takes it. */
function storable<T extends Partial<EncryptionFields>>(fields: T): T {
  const size = fields.key_size
  return size === undefined || size === null ? fields : { ...fields, key_size: Number(size) }
}

async function read(id: string, deps: Deps): Promise<Record<string, unknown> | undefined> {
  const type = await getVolumeType(deps.database.query, id)
  const row = await findEncryption(deps.database.query, type.id)
  if (!row) return undefined
  const { created_at, updated_at, ...specs } = row
  return {
    ...specs,
    deleted: false,
    created_at: isoMicroseconds(created_at),
    updated_at: isoMicroseconds(updated_at),
    deleted_at: null,
  }
}

async function mayWrite(tx: Transaction, id: string, verb: string): Promise<void> {
  await getVolumeType(tx, id)
  if (await typeInUse(tx, id)) throw errors.VolumeTypeEncryptionInUse({ verb })
}
