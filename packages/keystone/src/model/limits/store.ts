import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import type { Filters } from '../list-query.ts'
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
  /** Service of the registered limit that it overrides; so are region and resource. */
  serviceId: string
  regionId: string | null
  resourceName: string
}

/** Returns the registered limit with this id, or null. */
export async function findRegistered(query: Query, id: string): Promise<RegisteredLimit | null> {
  const row: Row | undefined = await query('registered_limits').where({ id }).first()
  return row ? registeredFromRow(row) : null
}

/** Returns the registered limits whose columns equal `exact`, ordered by id. */
export async function listRegistered(query: Query, exact: Filters['exact']): Promise<RegisteredLimit[]> {
  return (await query('registered_limits').where(exact).orderBy('id')).map(registeredFromRow)
}

/** Inserts a registered limit. Returns false when the resource has one already. */
export async function insertRegistered(tx: Transaction, limit: RegisteredLimit): Promise<boolean> {
  return insertIfAbsent(tx, 'registered_limits', registeredToRow(limit))
}

/** Writes all columns of a registered limit. */
export async function saveRegistered(query: Query, limit: RegisteredLimit): Promise<void> {
  await query('registered_limits').where({ id: limit.id }).update(registeredToRow(limit))
}

/** Removes a registered limit. */
export async function removeRegistered(query: Query, id: string): Promise<void> {
  await query('registered_limits').where({ id }).delete()
}

/** Returns true when a project or domain has its own limit in place of the registered one. */
export async function isOverridden(query: Query, registeredId: string): Promise<boolean> {
  return (await query('project_limits').where({ registered_limit_id: registeredId }).first()) !== undefined
}

const limits = (query: Query) =>
  query('project_limits as l')
    .join('registered_limits as r', 'r.id', 'l.registered_limit_id')
    .select('l.*', 'r.service_id', 'r.region_id', 'r.resource_name')
    .orderBy('l.id')

/** Returns the limit with this id, or null. */
export async function findLimit(query: Query, id: string): Promise<Limit | null> {
  const row: Row | undefined = await limits(query).where('l.id', id).first()
  return row ? limitFromRow(row) : null
}

const owned = new Set(['project_id', 'domain_id'])

/** Returns the limits that match `exact`, ordered by id. */
export async function listLimits(query: Query, exact: Filters['exact']): Promise<Limit[]> {
  const search = limits(query)
  for (const [column, value] of Object.entries(exact)) search.where(`${owned.has(column) ? 'l' : 'r'}.${column}`, value)
  return (await search).map(limitFromRow)
}

/** Inserts a limit. Returns false when the project or domain has one for this resource. */
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

/** Writes the value and the description of a limit. */
export async function saveLimit(query: Query, limit: Limit): Promise<void> {
  const { resourceLimit: resource_limit, description } = limit
  await query('project_limits').where({ id: limit.id }).update({ resource_limit, description })
}

/** Removes a limit. */
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
