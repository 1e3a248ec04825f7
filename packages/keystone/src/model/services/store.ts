import type { Query } from '@hearth/database'
import type { Filters } from '../list-query.ts'
import { type Attributes, type Row, readJson } from '../store.ts'

export interface Service {
  id: string
  type: string
  enabled: boolean
  /** Name, description and other attributes of the request. */
  extra: Attributes
}

/** Returns the service with this id, or null. */
export async function findService(query: Query, id: string): Promise<Service | null> {
  const row: Row | undefined = await query('catalog_services').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the services whose columns equal `exact`, ordered by id. */
export async function listServices(query: Query, exact: Filters['exact']): Promise<Service[]> {
  return (await query('catalog_services').where(exact).orderBy('id')).map(fromRow)
}

/** Inserts a service. */
export async function insertService(query: Query, service: Service): Promise<void> {
  await query('catalog_services').insert(toRow(service))
}

/** Writes all columns of a service. */
export async function saveService(query: Query, service: Service): Promise<void> {
  await query('catalog_services').where({ id: service.id }).update(toRow(service))
}

/** Removes a service with its endpoints and limits. */
export async function removeService(query: Query, id: string): Promise<void> {
  const endpoints = query('catalog_endpoints').where({ service_id: id }).select('id')
  await query('project_endpoints').whereIn('endpoint_id', endpoints).delete()
  await query('catalog_endpoints').where({ service_id: id }).delete()
  const registered = query('registered_limits').where({ service_id: id }).select('id')
  await query('project_limits').whereIn('registered_limit_id', registered).delete()
  await query('registered_limits').where({ service_id: id }).delete()
  await query('catalog_services').where({ id }).delete()
}

function fromRow(row: Row): Service {
  return { id: String(row.id), type: String(row.type), enabled: Boolean(row.enabled), extra: readJson(row.extra) }
}

function toRow(service: Service): Row {
  return { ...service, extra: JSON.stringify(service.extra) }
}
