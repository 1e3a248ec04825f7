import { isoSeconds } from '@hearth/core'
import type { Association, Item, Kind, Namespace } from '../../model/metadefs/store.ts'

const plural = { object: 'objects', property: 'properties', tag: 'tags' }

const stamps = (of: { created_at: number; updated_at: number }) => ({
  created_at: isoSeconds(of.created_at),
  updated_at: isoSeconds(of.updated_at),
})

/** Returns the path of a namespace. */
export const namespacePath = (name: string) => `/v2/metadefs/namespaces/${encodeURIComponent(name)}`
/** Returns the path of the items of one kind in a namespace. */
export const itemsPath = (namespace: string, kind: Kind) => `${namespacePath(namespace)}/${plural[kind]}`

/** Returns a namespace as the API shows it. */
export function viewNamespace(namespace: Namespace): Record<string, unknown> {
  return {
    namespace: namespace.namespace,
    ...(namespace.display_name === null ? {} : { display_name: namespace.display_name }),
    ...(namespace.description === null ? {} : { description: namespace.description }),
    visibility: namespace.visibility,
    protected: namespace.protected,
    owner: namespace.owner,
    ...stamps(namespace),
    self: namespacePath(namespace.namespace),
    schema: '/v2/schemas/metadefs/namespace',
  }
}

/** Returns an item of a namespace as the API shows it. */
export function viewItem(namespace: string, kind: Kind, item: Item): Record<string, unknown> {
  const view = { name: item.name, ...item.body }
  if (kind === 'property') return view
  if (kind === 'tag') return { ...view, ...stamps(item) }
  return {
    ...view,
    ...stamps(item),
    self: `${itemsPath(namespace, kind)}/${encodeURIComponent(item.name)}`,
    schema: '/v2/schemas/metadefs/object',
  }
}

/** Returns an association with a resource type as the API shows it. */
export function viewAssociation(association: Association): Record<string, unknown> {
  return {
    name: association.name,
    ...(association.prefix === null ? {} : { prefix: association.prefix }),
    ...(association.properties_target === null ? {} : { properties_target: association.properties_target }),
    ...stamps(association),
  }
}

/** Returns a resource type as the API shows it. */
export const viewResourceType = (type: { name: string; created_at: number; updated_at: number }) => ({
  name: type.name,
  ...stamps(type),
})
