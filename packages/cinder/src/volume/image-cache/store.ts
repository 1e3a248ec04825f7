import { uuid } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { VolumeRef } from '@hearth/driver'

/** A base volume, which holds the bytes of one image on one backend. Volumes of the image are clones of it. */
export interface BaseRow {
  id: string
  /** `host1@file`. */
  host: string
  image_id: string
  /** Checksum of the image's bytes; it changes when they do. */
  checksum: string
  /** GiB. */
  size: number
  status: 'creating' | 'available'
  provider_location: string | null
  created_at: number
  /** Time of the last use, accurate to an hour. */
  updated_at: number | null
}

/** Returns the finished base of these bytes on a backend, or undefined. */
export async function findBase(
  q: Query,
  host: string,
  imageId: string,
  checksum: string,
): Promise<BaseRow | undefined> {
  return q<BaseRow>('image_cache').where({ host, image_id: imageId, checksum, status: 'available' }).first()
}

/** Returns the bases of a backend, least recently used first. */
export async function listBases(q: Query, host: string): Promise<BaseRow[]> {
  return q<BaseRow>('image_cache').where({ host }).orderBy('updated_at').select('*') as Promise<BaseRow[]>
}

/** Inserts a base in `creating` and returns it. */
export async function insertBase(
  q: Query,
  base: Pick<BaseRow, 'host' | 'image_id' | 'checksum' | 'size'>,
): Promise<BaseRow> {
  const now = Date.now()
  const row: BaseRow = {
    id: uuid(),
    ...base,
    status: 'creating',
    provider_location: null,
    created_at: now,
    updated_at: now,
  }
  await q('image_cache').insert(row)
  return row
}

/** Updates columns of a base; without any, only the time of its last use. */
export async function updateBase(q: Query, id: string, set: Partial<BaseRow>): Promise<void> {
  await q('image_cache')
    .where({ id })
    .update({ updated_at: Date.now(), ...set })
}

/** Deletes the row of a base. */
export async function deleteBaseRow(q: Query, id: string): Promise<void> {
  await q('image_cache').where({ id }).delete()
}

/** Returns the reference by which drivers know the base volume. */
export function baseRef(base: Pick<BaseRow, 'id' | 'size' | 'provider_location'>): VolumeRef {
  return { id: base.id, name: `volume-${base.id}`, sizeGiB: base.size, providerLocation: base.provider_location }
}
