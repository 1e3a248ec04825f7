import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import type { Filters } from '../list-query.ts'
import { type Attributes, type Row, readJson } from '../store.ts'

/** Group of the endpoints that match `filters`: interface, service_id, region_id. */
export interface EndpointGroup {
  id: string
  name: string
  description: string
  filters: Attributes
}

/** Returns the endpoint group with this id, or null. */
export async function findEndpointGroup(query: Query, id: string): Promise<EndpointGroup | null> {
  const row: Row | undefined = await query('endpoint_groups').where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the endpoint groups whose columns equal `exact`, ordered by id. */
export async function listEndpointGroups(query: Query, exact: Filters['exact']): Promise<EndpointGroup[]> {
  return (await query('endpoint_groups').where(exact).orderBy('id')).map(fromRow)
}

/** Inserts an endpoint group. */
export async function insertEndpointGroup(query: Query, group: EndpointGroup): Promise<void> {
  await query('endpoint_groups').insert({ ...group, filters: JSON.stringify(group.filters) })
}

/** Writes all columns of an endpoint group. */
export async function saveEndpointGroup(query: Query, group: EndpointGroup): Promise<void> {
  const row = { ...group, filters: JSON.stringify(group.filters) }
  await query('endpoint_groups').where({ id: group.id }).update(row)
}

/** Removes an endpoint group with its links to projects. */
export async function removeEndpointGroup(query: Query, id: string): Promise<void> {
  await query('project_endpoint_groups').where({ endpoint_group_id: id }).delete()
  await query('endpoint_groups').where({ id }).delete()
}

/** Tables of the links from projects to endpoints and endpoint groups. */
export type LinkTable = 'project_endpoints' | 'project_endpoint_groups'

/** Inserts a link; does nothing when it exists. */
export async function addLink(tx: Transaction, table: LinkTable, row: Row): Promise<void> {
  await insertIfAbsent(tx, table, row)
}

/** Returns true when the link exists. */
export async function hasLink(query: Query, table: LinkTable, row: Row): Promise<boolean> {
  return (await query(table).where(row).first()) !== undefined
}

/** Removes a link. Returns false when there was none. */
export async function removeLink(query: Query, table: LinkTable, row: Row): Promise<boolean> {
  return (await query(table).where(row).delete()) > 0
}

/** Returns the values of `column` in the matching links, in order. */
export async function linkedIds(query: Query, table: LinkTable, where: Row, column: string): Promise<string[]> {
  return query(table).where(where).orderBy(column).pluck(column)
}

function fromRow(row: Row): EndpointGroup {
  return {
    id: String(row.id),
    name: String(row.name),
    description: String(row.description),
    filters: readJson(row.filters),
  }
}
