import { createHash } from 'node:crypto'
import type { Query } from '@hearth/database'
import { errors } from '../errors.ts'
import type { Filters } from '../list-query.ts'
import { type Attributes, orNull, type Row, readJson, unique } from '../store.ts'

export interface Credential {
  id: string
  userId: string
  projectId: string | null
  type: string
  /** JSON text; the shape depends on the type. */
  blob: string
  /** Other attributes of the request. */
  extra: Attributes
}

/** Content of the blob of an `ec2` credential. */
export interface Ec2Blob {
  access: string
  secret: string
  trust_id?: string | null
  app_cred_id?: string | null
}

/** Returns the id of an EC2 credential, made from its access key, so that the key finds the credential. */
export const ec2Id = (access: string): string => createHash('sha256').update(access).digest('hex')

/** Returns the credential with this id, or null. */
export async function findCredential(query: Query, id: string): Promise<Credential | null> {
  const row: Row | undefined = await query('user_credentials').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the credentials whose columns equal `exact`, ordered by id. */
export async function listCredentials(query: Query, exact: Filters['exact']): Promise<Credential[]> {
  return (await query('user_credentials').where(exact).orderBy('id')).map(fromRow)
}

/** Inserts a credential. Throws AlreadyExists (409) when its id is taken. */
export async function insertCredential(query: Query, credential: Credential): Promise<void> {
  const conflict = () => errors.AlreadyExists({ kind: 'credential', by: `ID ${credential.id}` })
  await unique(query('user_credentials').insert(toRow(credential)), conflict)
}

/**
 * Writes a credential. `id` is its id until now: an EC2 credential's id changes with its access key. Throws
 * AlreadyExists (409).
 */
export async function saveCredential(query: Query, id: string, credential: Credential): Promise<void> {
  const conflict = () => errors.AlreadyExists({ kind: 'credential', by: `ID ${credential.id}` })
  await unique(query('user_credentials').where({ id }).update(toRow(credential)), conflict)
}

/** Removes a credential. */
export async function removeCredential(query: Query, id: string): Promise<void> {
  await query('user_credentials').where({ id }).delete()
}

function fromRow(row: Row): Credential {
  return {
    id: String(row.id),
    userId: String(row.user_id),
    projectId: orNull(row.project_id),
    type: String(row.type),
    blob: String(row.blob),
    extra: readJson(row.extra),
  }
}

function toRow(credential: Credential): Row {
  return {
    id: credential.id,
    user_id: credential.userId,
    project_id: credential.projectId,
    type: credential.type,
    blob: credential.blob,
    extra: JSON.stringify(credential.extra),
  }
}
