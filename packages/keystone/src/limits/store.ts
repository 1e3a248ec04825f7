import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import type { Filters } from '../filters.ts'
import { orNull, type Row } from '../store.ts'

export interface RegisteredLimit {
  id: string
  serviceId: string
  regionId: string | null
  resourceName: string
  defaultLimit: number
  description: string | null
}

export interface Limit {
  id: string
  registeredId: string
  projectId: string | null
  domainId: string | null
  resourceLimit: number
  description: string | null
  /** Of the registered limit it overrides. */
  serviceId: string
  regionId: string | null
  resourceName: string
}

export async function findRegistered(query: Query, id: string): Promise<RegisteredLimit | null> {
  const row: Row | undefined = await query('registered_limits').where({ id }).first()
  return row ? registeredFromRow(row) : null
}

export async function listRegistered(query: Query, exact: Filters['exact']): Promise<RegisteredLimit[]> {
  return (await query('registered_limits').where(exact).orderBy('id')).map(registeredFromRow)
}

/** False when there is one for this resource already. */
export async function insertRegistered(tx: Transaction, limit: RegisteredLimit): Promise<boolean> {
  return insertIfAbsent(tx, 'registered_limits', registeredToRow(limit))
}

export async function saveRegistered(query: Query, limit: RegisteredLimit): Promise<void> {
  await query('registered_limits').where({ id: limit.id }).update(registeredToRow(limit))
}

export async function removeRegistered(query: Query, id: string): Promise<void> {
  await query('registered_limits').where({ id }).delete()
}

export async function isOverridden(query: Query, registeredId: string): Promise<boolean> {
  return (await query('project_limits').where({ registered_limit_id: registeredId }).first()) !== undefined
}

const limits = (query: Query) =>
  query('project_limits as l')
    .join('registered_limits as r', 'r.id', 'l.registered_limit_id')
    .select('l.*', 'r.service_id', 'r.region_id', 'r.resource_name')
    .orderBy('l.id')

export async function findLimit(query: Query, id: string): Promise<Limit | null> {
  const row: Row | undefined = await limits(query).where('l.id', id).first()
  return row ? limitFromRow(row) : null
}

const owned = new Set(['project_id', 'domain_id'])

export async function listLimits(query: Query, exact: Filters['exact']): Promise<Limit[]> {
  const search = limits(query)
  for (const [column, value] of Object.entries(exact)) search.where(`${owned.has(column) ? 'l' : 'r'}.${column}`, value)
  return (await search).map(limitFromRow)
}

export async function insertLimit(tx: Transaction, limit: Limit): Promise<boolean> {
  return insertIfAbsent(tx, 'project_limits', {
    id: limit.id,
    registered_limit_id: limit.registeredId,
    project_id: limit.projectId ?? '',
    domain_id: limit.domainId ?? '',
    resource_limit: limit.resourceLimit,
    description: limit.description,
  })
}

export async function saveLimit(query: Query, limit: Limit): Promise<void> {
  const { resourceLimit: resource_limit, description } = limit
  await query('project_limits').where({ id: limit.id }).update({ resource_limit, description })
}

export async function removeLimit(query: Query, id: string): Promise<void> {
  await query('project_limits').where({ id }).delete()
}

function registeredFromRow(row: Row): RegisteredLimit {
  return {
    id: String(row.id),
    serviceId: String(row.service_id),
    regionId: orNull(row.region_id),
    resourceName: String(row.resource_name),
    defaultLimit: Number(row.default_limit),
    description: row.description === null ? null : String(row.description),
  }
}

function registeredToRow(limit: RegisteredLimit): Row {
  return {
    id: limit.id,
    service_id: limit.serviceId,
    region_id: limit.regionId ?? '',
    resource_name: limit.resourceName,
    default_limit: limit.defaultLimit,
    description: limit.description,
  }
}

function limitFromRow(row: Row): Limit {
  return {
    id: String(row.id),
    registeredId: String(row.registered_limit_id),
    projectId: orNull(row.project_id),
    domainId: orNull(row.domain_id),
    resourceLimit: Number(row.resource_limit),
    description: row.description === null ? null : String(row.description),
    serviceId: String(row.service_id),
    regionId: orNull(row.region_id),
    resourceName: String(row.resource_name),
  }
}
