import { uuid } from '@hearth/core'
import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'

export type Kind = 'object' | 'property' | 'tag'

export interface Namespace {
  id: string
  namespace: string
  display_name: string | null
  description: string | null
  visibility: string
  protected: boolean
  owner: string | null
  created_at: number
  updated_at: number
}

export interface Item {
  name: string
  body: Record<string, unknown>
  created_at: number
  updated_at: number
}

export interface Association {
  name: string
  prefix: string | null
  properties_target: string | null
  created_at: number
  updated_at: number
}

type Row = Record<string, unknown>

const namespaceOf = (row: Row) => ({ ...row, protected: Boolean(row.protected) }) as unknown as Namespace
const itemOf = (row: Row): Item => ({
  name: String(row.name),
  body: JSON.parse(String(row.body)) as Record<string, unknown>,
  created_at: Number(row.created_at),
  updated_at: Number(row.updated_at),
})

/** Returns a namespace by name; null when there is none. */
export async function findNamespace(query: Query, namespace: string): Promise<Namespace | null> {
  const row: Row | undefined = await query('metadef_namespaces').where({ namespace }).first()
  return row ? namespaceOf(row) : null
}

/** All namespaces a project may see (null: all there are), newest first. */
export async function findNamespaces(query: Query, project: string | null | undefined): Promise<Namespace[]> {
  const select = query('metadef_namespaces').orderBy('created_at', 'desc').orderBy('namespace', 'desc')
  if (project !== undefined) select.where((either) => either.where('visibility', 'public').orWhere('owner', project))
  const rows: Row[] = await select
  return rows.map(namespaceOf)
}

/** Null when the name is taken. */
export async function insertNamespace(
  tx: Transaction,
  namespace: Omit<Namespace, 'id' | 'created_at' | 'updated_at'>,
): Promise<Namespace | null> {
  const now = Date.now()
  const row = { id: uuid(), ...namespace, created_at: now, updated_at: now }
  return (await insertIfAbsent(tx, 'metadef_namespaces', row)) ? row : null
}

/** False when the new name is taken. */
export async function updateNamespace(tx: Transaction, id: string, changes: Partial<Namespace>): Promise<boolean> {
  if (changes.namespace !== undefined) {
    const other = await findNamespace(tx, changes.namespace)
    if (other && other.id !== id) return false
  }
  await tx('metadef_namespaces')
    .where({ id })
    .update({ ...changes, updated_at: Date.now() })
  return true
}

/** Deletes a namespace with its items and associations. */
export async function deleteNamespace(tx: Transaction, id: string): Promise<void> {
  await tx('metadef_items').where({ namespace_id: id }).delete()
  await tx('metadef_associations').where({ namespace_id: id }).delete()
  await tx('metadef_namespaces').where({ id }).delete()
}

/** Returns the items of one kind in a namespace. */
export async function findItems(query: Query, namespaceId: string, kind: Kind): Promise<Item[]> {
  const rows: Row[] = await query('metadef_items').where({ namespace_id: namespaceId, kind }).orderBy('name')
  return rows.map(itemOf)
}

/** Returns an item by name; null when there is none. */
export async function findItem(query: Query, namespaceId: string, kind: Kind, name: string): Promise<Item | null> {
  const row: Row | undefined = await query('metadef_items').where({ namespace_id: namespaceId, kind, name }).first()
  return row ? itemOf(row) : null
}

/** False when the name is taken. */
export async function insertItem(
  tx: Transaction,
  namespaceId: string,
  kind: Kind,
  name: string,
  body: Record<string, unknown>,
): Promise<boolean> {
  const now = Date.now()
  const row = { namespace_id: namespaceId, kind, name, body: JSON.stringify(body), created_at: now, updated_at: now }
  return insertIfAbsent(tx, 'metadef_items', row)
}

/** Rewrites an item, perhaps under a new name. False when that is taken. */
export async function updateItem(
  tx: Transaction,
  namespaceId: string,
  kind: Kind,
  name: string,
  changed: { name: string; body: Record<string, unknown> },
): Promise<boolean> {
  if (changed.name !== name && (await findItem(tx, namespaceId, kind, changed.name))) return false
  const row = { name: changed.name, body: JSON.stringify(changed.body), updated_at: Date.now() }
  await tx('metadef_items').where({ namespace_id: namespaceId, kind, name }).update(row)
  return true
}

/** Deletes one item, or all of a kind. Returns how many there were. */
export async function deleteItems(query: Query, namespaceId: string, kind: Kind, name?: string): Promise<number> {
  return query('metadef_items')
    .where({ namespace_id: namespaceId, kind, ...(name === undefined ? {} : { name }) })
    .delete()
}

/** Returns the associations of a namespace with resource types. */
export async function findAssociations(query: Query, namespaceId: string): Promise<Association[]> {
  return query('metadef_associations').where({ namespace_id: namespaceId }).orderBy('name')
}

/** Associates a resource type, which is made if it is not known. False when it is associated already. */
export async function insertAssociation(
  tx: Transaction,
  namespaceId: string,
  association: { name: string; prefix?: string; properties_target?: string },
): Promise<boolean> {
  const now = Date.now()
  const { name, prefix = null, properties_target = null } = association
  await insertIfAbsent(tx, 'metadef_resource_types', { name, created_at: now, updated_at: now })
  const row = { namespace_id: namespaceId, name, prefix, properties_target, created_at: now, updated_at: now }
  return insertIfAbsent(tx, 'metadef_associations', row)
}

/** Deletes an association. Returns the number of deleted rows. */
export async function deleteAssociation(query: Query, namespaceId: string, name: string): Promise<number> {
  return query('metadef_associations').where({ namespace_id: namespaceId, name }).delete()
}

/** Returns all resource types. */
export async function findResourceTypes(
  query: Query,
): Promise<{ name: string; created_at: number; updated_at: number }[]> {
  return query('metadef_resource_types').orderBy('name')
}

/** Ids of namespaces associated with one of the resource types. */
export async function namespacesWith(query: Query, names: readonly string[]): Promise<Set<string>> {
  return new Set<string>(await query('metadef_associations').whereIn('name', names).pluck('namespace_id'))
}
