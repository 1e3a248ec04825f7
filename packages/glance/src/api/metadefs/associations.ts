import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import { glanceErrors } from '../../model/errors.ts'
import {
  deleteAssociation,
  findAssociations,
  findResourceTypes,
  insertAssociation,
} from '../../model/metadefs/store.ts'
import { type MetadefDeps, openNamespace, refuseProtected } from './namespaces.ts'
import { viewAssociation, viewResourceType } from './view.ts'

/** GET /v2/metadefs/resource_types. */
export async function listResourceTypes(_context: Context, _request: ApiRequest, deps: MetadefDeps): Promise<unknown> {
  return { resource_types: (await findResourceTypes(deps.database.query)).map(viewResourceType) }
}

/** GET …/{ns}/resource_types. */
export async function listAssociations(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<unknown> {
  const { query } = deps.database
  const namespace = await openNamespace(context, request, 'get_metadef_resource_type', query)
  return { resource_type_associations: (await findAssociations(query, namespace.id)).map(viewAssociation) }
}

/** POST …/{ns}/resource_types `{name, prefix?, properties_target?}`. */
export async function addAssociation(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<Reply> {
  const body = request.body as { name: string; prefix?: string; properties_target?: string }
  const view = await deps.database.transaction(async (tx) => {
    const namespace = await openNamespace(context, request, 'add_metadef_resource_type_association', tx)
    if (!(await insertAssociation(tx, namespace.id, body))) {
      const reason = `The metadata definition resource-type association of resource-type=${body.name} already exists.`
      throw glanceErrors.Conflict({ reason })
    }
    return viewAssociation((await findAssociations(tx, namespace.id)).find((each) => each.name === body.name)!)
  })
  return new Reply(201, view)
}

/** DELETE …/{ns}/resource_types/{name}. */
export async function removeAssociation(context: Context, request: ApiRequest, deps: MetadefDeps): Promise<undefined> {
  const { query } = deps.database
  const namespace = await openNamespace(context, request, 'remove_metadef_resource_type_association', query)
  refuseProtected(namespace)
  const name = request.params.name!
  if ((await deleteAssociation(query, namespace.id, name)) > 0) return
  throw glanceErrors.NotFound({ reason: `The resource-type association of resource-type=${name} was not found.` })
}
