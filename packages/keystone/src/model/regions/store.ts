import type { Query } from '@hearth/database'
import { errors } from '../errors.ts'
import type { Filters } from '../list-query.ts'
import { type Attributes, orNull, type Row, readJson, unique } from '../store.ts'

export interface Region {
  id: string
  description: string
  parentRegionId: string | null
  extra: Attributes
}

/** Returns the region with this id, or null. */
export async function findRegion(query: Query, id: string): Promise<Region | null> {
  const row: Row | undefined = await query('catalog_regions').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the regions whose columns equal `exact`, ordered by id. */
export async function listRegions(query: Query, exact: Filters['exact']): Promise<Region[]> {
  return (await query('catalog_regions').where(exact).orderBy('id')).map(fromRow)
}

/** Inserts a region. Throws AlreadyExists (409) when its id is taken. */
export async function insertRegion(query: Query, region: Region): Promise<void> {
  const conflict = () => errors.AlreadyExists({ kind: 'region', by: `ID ${region.id}` })
  await unique(query('catalog_regions').insert(toRow(region)), conflict)
}

/** Writes all columns of a region. */
export async function saveRegion(query: Query, region: Region): Promise<void> {
  await query('catalog_regions').where({ id: region.id }).update(toRow(region))
}

/** Removes a region. */
export async function removeRegion(query: Query, id: string): Promise<void> {
  await query('catalog_regions').where({ id }).delete()
}

/** Returns true when the region contains a region or an endpoint. */
export async function isRegionUsed(query: Query, id: string): Promise<boolean> {
  const child = await query('catalog_regions').where({ parent_region_id: id }).first()
  const endpoint = await query('catalog_endpoints').where({ region_id: id }).first()
  return child !== undefined || endpoint !== undefined
}

function fromRow(row: Row): Region {
  return {
    id: String(row.id),
    description: String(row.description),
    parentRegionId: orNull(row.parent_region_id),
    extra: readJson(row.extra),
  }
}

function toRow(region: Region): Row {
  return {
    id: region.id,
    description: region.description,
    parent_region_id: region.parentRegionId,
    extra: JSON.stringify(region.extra),
  }
}
