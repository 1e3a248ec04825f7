import type { Query } from '@hearth/database'
import type { Filters } from '../list-query.ts'
import { type Attributes, orNull, type Row, readJson, rowsIn } from '../store.ts'

export interface Endpoint {
  id: string
  serviceId: string
  interface: string
  regionId: string | null
  url: string
  enabled: boolean
  extra: Attributes
}

/** Returns the endpoint with this id, or null. */
export async function findEndpoint(query: Query, id: string): Promise<Endpoint | null> {
  const row: Row | undefined = await query('catalog_endpoints').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the endpoints with these ids, in no order; leaves out unknown ids. */
export async function endpointsById(query: Query, ids: string[]): Promise<Endpoint[]> {
  return (await rowsIn(query, 'catalog_endpoints', 'id', ids)).map(fromRow)
}

/** Returns the endpoints whose columns equal `exact`, ordered by id. */
export async function listEndpoints(query: Query, exact: Filters['exact']): Promise<Endpoint[]> {
  return (await query('catalog_endpoints').where(exact).orderBy('id')).map(fromRow)
}

/** Inserts an endpoint. */
export async function insertEndpoint(query: Query, endpoint: Endpoint): Promise<void> {
  await query('catalog_endpoints').insert(toRow(endpoint))
}

/** Writes all columns of an endpoint. */
export async function saveEndpoint(query: Query, endpoint: Endpoint): Promise<void> {
  await query('catalog_endpoints').where({ id: endpoint.id }).update(toRow(endpoint))
}

/** Removes an endpoint with its links to projects. */
export async function removeEndpoint(query: Query, id: string): Promise<void> {
  await query('project_endpoints').where({ endpoint_id: id }).delete()
  await query('catalog_endpoints').where({ id }).delete()
}

function fromRow(row: Row): Endpoint {
  return {
    id: String(row.id),
    serviceId: String(row.service_id),
    interface: String(row.interface),
    regionId: orNull(row.region_id),
    url: String(row.url),
    enabled: Boolean(row.enabled),
    extra: readJson(row.extra),
  }
}

function toRow(endpoint: Endpoint): Row {
  return {
    id: endpoint.id,
    service_id: endpoint.serviceId,
    interface: endpoint.interface,
    region_id: endpoint.regionId,
    url: endpoint.url,
    enabled: endpoint.enabled,
    extra: JSON.stringify(endpoint.extra),
  }
}
