import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import { glanceErrors } from '../../model/errors.ts'
import {
  deleteItems as deleteRows,
  findAssociations,
  findItem,
  findItems,
  type Item,
  insertItem,
  type Kind,
  type Namespace,
  updateItem as updateRow,
} from '../../model/metadefs/store.ts'
import { queryValue } from '../query.ts'
import { type MetadefDeps, openNamespace, refuseProtected } from './namespaces.ts'
import { itemsPath, viewItem } from './view.ts'

type Operation = (context: Context, request: ApiRequest, deps: MetadefDeps) => Promise<unknown>

const missing = (kind: Kind, name: string, namespace: string) =>
  glanceErrors.NotFound({ reason: `Metadata definition ${kind}=${name} was not found in namespace=${namespace}.` })
const taken = (kind: Kind, name: string, namespace: string) =>
  glanceErrors.Conflict({ reason: `A metadata definition ${kind}=${name} already exists in namespace=${namespace}.` })

/** GET …/objects, …/properties or …/tags. */
export const listItems =
  (kind: Kind, rule: string): Operation =>
  async (context, request, deps) => {
    const { query } = deps.database
    const namespace = await openNamespace(context, request, rule, query)
    return viewList(namespace, kind, await findItems(query, namespace.id, kind))
  }

function viewList(namespace: Namespace, kind: Kind, items: Item[]): unknown {
  if (kind === 'property')
    return { properties: Object.fromEntries(items.map((item) => [item.name, viewItem('', kind, item)])) }
  return {
    [`${kind}s`]: items.map((item) => viewItem(namespace.namespace, kind, item)),
    first: itemsPath(namespace.namespace, kind),
    schema: `/v2/schemas/metadefs/${kind}s`,
  }
}

/** POST …: 201 with the item. The name comes from the body, or from the path for a tag. */
export const createItem =
  (kind: Kind, rule: string): Operation =>
  async (context, request, deps) => {
    const { name: given, ...body } = (request.body ?? {}) as { name?: string } & Record<string, unknown>
    const name = request.params.name ?? given ?? ''
    if (name.length > 80) throw glanceErrors.BadRequest({ reason: `The name of a ${kind} has at most 80 characters` })
    const view = await deps.database.transaction(async (tx) => {
      const namespace = await openNamespace(context, request, rule, tx)
      if (!(await insertItem(tx, namespace.id, kind, name, body))) throw taken(kind, name, namespace.namespace)
      return viewItem(namespace.namespace, kind, (await findItem(tx, namespace.id, kind, name))!)
    })
    const path = `${itemsPath(request.params.namespace!, kind)}/${encodeURIComponent(name)}`
    return new Reply(201, view, { location: request.baseUrl + path })
  }

/** GET …/{name}; a property may be asked for under the prefix of `?resource_type=`. */
export const showItem =
  (kind: Kind, rule: string): Operation =>
  async (context, request, deps) => {
    const { query } = deps.database
    const namespace = await openNamespace(context, request, rule, query)
    const name = request.params.name!
    const type = queryValue(request.query, 'resource_type')
    const association = type && (await findAssociations(query, namespace.id)).find((each) => each.name === type)
    const prefix = association ? (association.prefix ?? '') : ''
    const item = name.startsWith(prefix) ? await findItem(query, namespace.id, kind, name.slice(prefix.length)) : null
    if (!item || (type && !association)) throw missing(kind, name, namespace.namespace)
    return { ...viewItem(namespace.namespace, kind, item), name }
  }

/** PUT …/{name}: the whole item anew, perhaps under another name. */
export const updateItem =
  (kind: Kind, rule: string): Operation =>
  async (context, request, deps) => {
    const { name, ...body } = request.body as { name: string } & Record<string, unknown>
    return deps.database.transaction(async (tx) => {
      const namespace = await openNamespace(context, request, rule, tx)
      const old = request.params.name!
      if (!(await findItem(tx, namespace.id, kind, old))) throw missing(kind, old, namespace.namespace)
      if (!(await updateRow(tx, namespace.id, kind, old, { name, body }))) throw taken(kind, name, namespace.namespace)
      return viewItem(namespace.namespace, kind, (await findItem(tx, namespace.id, kind, name))!)
    })
  }

/** DELETE …/{name}, or of all without a name. Throws Forbidden (403) in a protected namespace. */
export const deleteItems =
  (kind: Kind, rule: string): Operation =>
  async (context, request, deps) => {
    const { query } = deps.database
    const namespace = await openNamespace(context, request, rule, query)
    refuseProtected(namespace)
    const { name } = request.params
    const count = await deleteRows(query, namespace.id, kind, name)
    if (name !== undefined && count === 0) throw missing(kind, name, namespace.namespace)
  }

/** POST …/tags `{tags: [{name}]}`: replaces all tags, or adds to them with `X-Openstack-Append: true`. */
export const replaceTags =
  (rule: string): Operation =>
  async (context, request, deps) => {
    const { tags } = request.body as { tags: { name: string }[] }
    const append = String(request.headers['x-openstack-append'] ?? '').toLowerCase() === 'true'
    const list = await deps.database.transaction(async (tx) => {
      const namespace = await openNamespace(context, request, rule, tx)
      if (!append) await deleteRows(tx, namespace.id, 'tag')
      for (const { name } of tags) {
        if (!(await insertItem(tx, namespace.id, 'tag', name, {}))) throw taken('tag', name, namespace.namespace)
      }
      return viewList(namespace, 'tag', await findItems(tx, namespace.id, 'tag'))
    })
    return new Reply(201, list)
  }
