import type { Context } from '@hearth/core'
import type { Query, Transaction } from '@hearth/database'
import { type ApiRequest, Reply } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { glanceErrors } from '../../model/errors.ts'
import { isAdmin, projectOf } from '../../model/images/access.ts'
import {
  type Association,
  deleteNamespace as deleteRow,
  findAssociations,
  findItems,
  findNamespace,
  findNamespaces,
  insertAssociation,
  insertItem,
  insertNamespace,
  type Namespace,
  namespacesWith,
  updateNamespace as updateRow,
} from '../../model/metadefs/store.ts'
import { pageLinks } from '../images/list.ts'
import { queryValue } from '../query.ts'
import { namespacePath, viewAssociation, viewItem, viewNamespace } from './view.ts'

export type MetadefDeps = Pick<GlanceDeps, 'database' | 'settings'>

interface NamespaceBody extends Partial<Namespace> {
  namespace: string
  resource_type_associations?: { name: string; prefix?: string; properties_target?: string }[]
  properties?: Record<string, Record<string, unknown>>
  objects?: ({ name: string } & Record<string, unknown>)[]
  tags?: { name: string }[]
}

/** The namespace of the path, if the caller may see it and satisfies the rule on it. Not visible: NotFound (404). */
export async function openNamespace(
  context: Context,
  request: ApiRequest,
  rule: string,
  query: Query,
): Promise<Namespace> {
  const name = request.params.namespace!
  const found = await findNamespace(query, name)
  const mine = found !== null && found.owner !== null && found.owner === projectOf(context)
  if (!found || !(found.visibility === 'public' || mine || isAdmin(context))) {
    throw glanceErrors.NotFound({ reason: `Metadata definition namespace=${name} was not found.` })
  }
  context.enforce(rule, { project_id: found.owner, visibility: found.visibility })
  return found
}

/** GET /v2/metadefs/namespaces. */
export async function listNamespaces(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<unknown> {
  const { query } = deps.database
  const limit = readLimit(request, deps)
  const all = await findNamespaces(query, isAdmin(context) ? undefined : projectOf(context))
  const wanted = await filter(all, request, query)
  const marker = queryValue(request.query, 'marker')
  const at = marker === undefined ? -1 : wanted.findIndex((each) => each.namespace === marker)
  if (marker !== undefined && at === -1) throw glanceErrors.NotFound({ reason: `Namespace ${marker} was not found.` })
  const page = wanted.slice(at + 1, at + 1 + limit)
  const views = await Promise.all(
    page.map(async (each) => withAssociations(each, await findAssociations(query, each.id))),
  )
  const last = page.length === limit ? (page.at(-1)?.namespace ?? null) : null
  return {
    namespaces: views,
    ...pageLinks('/v2/metadefs/namespaces', request.url, last),
    schema: '/v2/schemas/metadefs/namespaces',
  }
}

function readLimit(request: ApiRequest, deps: MetadefDeps): number {
  const text = queryValue(request.query, 'limit') ?? String(deps.settings.limitParamDefault)
  if (!/^\d+$/.test(text)) throw glanceErrors.BadRequest({ reason: 'limit param must be an integer of at least 0' })
  return Math.min(Number(text), deps.settings.apiLimitMax)
}

async function filter(all: Namespace[], request: ApiRequest, query: Query): Promise<Namespace[]> {
  const visibility = queryValue(request.query, 'visibility')
  const types = queryValue(request.query, 'resource_types')?.split(',')
  const ids = types ? await namespacesWith(query, types) : null
  const ordered = queryValue(request.query, 'sort_key') === 'namespace' ? [...all].sort(byName) : all
  const listed = queryValue(request.query, 'sort_dir') === 'asc' && ordered === all ? [...all].reverse() : ordered
  return listed.filter((each) => (visibility ? each.visibility === visibility : true) && (ids?.has(each.id) ?? true))
}

const byName = (a: Namespace, b: Namespace) => (a.namespace < b.namespace ? -1 : 1)

function withAssociations(namespace: Namespace, associations: Association[]): Record<string, unknown> {
  const view = viewNamespace(namespace)
  return associations.length === 0 ? view : { ...view, resource_type_associations: associations.map(viewAssociation) }
}

/** POST /v2/metadefs/namespaces, with all that is embedded, or nothing. */
export async function createNamespace(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<Reply> {
  const body = request.body as NamespaceBody
  const view = await deps.database.transaction(async (tx) => {
    const created = await insertNamespace(tx, {
      namespace: body.namespace,
      display_name: body.display_name ?? null,
      description: body.description ?? null,
      visibility: body.visibility ?? 'private',
      protected: body.protected ?? false,
      owner: body.owner ?? projectOf(context),
    })
    if (!created) {
      throw glanceErrors.Conflict({ reason: `The metadata definition namespace=${body.namespace} already exists.` })
    }
    await insertEmbedded(tx, created.id, body)
    return viewWhole(created, tx)
  })
  return new Reply(201, view, { location: `${request.baseUrl}${namespacePath(body.namespace)}` })
}

async function insertEmbedded(tx: Transaction, id: string, body: NamespaceBody): Promise<void> {
  for (const association of body.resource_type_associations ?? []) await insertAssociation(tx, id, association)
  for (const [name, property] of Object.entries(body.properties ?? {})) {
    await insertItem(tx, id, 'property', name, property)
  }
  for (const { name, ...rest } of body.objects ?? []) await insertItem(tx, id, 'object', name, rest)
  for (const { name } of body.tags ?? []) await insertItem(tx, id, 'tag', name, {})
}

/** A namespace with all it holds; parts it does not have are left out. */
async function viewWhole(namespace: Namespace, query: Query, resourceType?: string): Promise<unknown> {
  const associations = await findAssociations(query, namespace.id)
  const prefix = associations.find((each) => each.name === resourceType)?.prefix ?? ''
  const view = withAssociations(namespace, associations)
  const properties = await findItems(query, namespace.id, 'property')
  if (properties.length > 0) {
    view.properties = Object.fromEntries(properties.map(({ name, body }) => [prefix + name, body]))
  }
  for (const [kind, key] of [
    ['object', 'objects'],
    ['tag', 'tags'],
  ] as const) {
    const items = await findItems(query, namespace.id, kind)
    if (items.length > 0) view[key] = items.map((item) => viewItem(namespace.namespace, kind, item))
  }
  return view
}

/** GET …/namespaces/{ns}; `?resource_type=` prefixes the names of properties. */
export async function showNamespace(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<unknown> {
  const { query } = deps.database
  const namespace = await openNamespace(context, request, 'get_metadef_namespace', query)
  return viewWhole(namespace, query, queryValue(request.query, 'resource_type'))
}

/** PUT …/namespaces/{ns}. Changes the given fields, which may include the name. */
export async function updateNamespace(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<unknown> {
  const body = request.body as NamespaceBody
  return deps.database.transaction(async (tx) => {
    const namespace = await openNamespace(context, request, 'modify_metadef_namespace', tx)
    const given = ['namespace', 'display_name', 'description', 'visibility', 'protected', 'owner'] as const
    const changes = Object.fromEntries(given.filter((name) => name in body).map((name) => [name, body[name]]))
    if (!(await updateRow(tx, namespace.id, changes))) {
      throw glanceErrors.Conflict({ reason: `The metadata definition namespace=${body.namespace} already exists.` })
    }
    return viewNamespace((await findNamespace(tx, body.namespace ?? namespace.namespace))!)
  })
}

/** DELETE …/namespaces/{ns} with all it holds. Throws Forbidden (403) for a protected one. */
export async function deleteNamespace(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<undefined> {
  await deps.database.transaction(async (tx) => {
    const namespace = await openNamespace(context, request, 'delete_metadef_namespace', tx)
    refuseProtected(namespace)
    await deleteRow(tx, namespace.id)
  })
}

/** Throws Forbidden (403) for a protected namespace. */
export function refuseProtected(namespace: Namespace): void {
  if (!namespace.protected) return
  const reason = `Metadata definition namespace ${namespace.namespace} is protected and cannot be deleted.`
  throw glanceErrors.Forbidden({ reason })
}
