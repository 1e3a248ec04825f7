import type { Query, Transaction } from '@hearth/database'

/** How volumes of a type are encrypted, as an administrator describes it. */
export interface EncryptionFields {
  provider: string
  control_location: 'front-end' | 'back-end'
  cipher?: string | null
  key_size?: number | null
}

interface EncryptionRow extends EncryptionFields {
  encryption_id: string
  volume_type_id: string
  created_at: number
  updated_at: number | null
}

/** Returns the encryption of a volume type; undefined when it has none. */
export async function findEncryption(q: Query, typeId: string): Promise<EncryptionRow | undefined> {
  return q<EncryptionRow>('volume_type_encryptions').where({ volume_type_id: typeId }).first()
}

/** Inserts the encryption of a volume type. */
export async function insertEncryption(tx: Transaction, typeId: string, id: string, fields: EncryptionFields) {
  await tx('volume_type_encryptions').insert({
    ...fields,
    encryption_id: id,
    volume_type_id: typeId,
    created_at: Date.now(),
  })
}

/** Updates fields of the encryption of a volume type. */
export async function updateEncryption(tx: Transaction, typeId: string, fields: Partial<EncryptionFields>) {
  await tx('volume_type_encryptions')
    .where({ volume_type_id: typeId })
    .update({ ...fields, updated_at: Date.now() })
}

/** True if there was one. */
export async function deleteEncryption(tx: Transaction, typeId: string): Promise<boolean> {
  return (await tx('volume_type_encryptions').where({ volume_type_id: typeId }).delete()) > 0
}
