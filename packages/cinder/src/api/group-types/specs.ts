import { type Context, commonErrors } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { deleteGroupSpec, getGroupType, writeGroupSpecs } from '../../model/group-types/store.ts'

type Deps = { database: Database }

/** GET /group_types/{id}/group_specs. */
export async function listGroupSpecs(_context: Context, request: ApiRequest, deps: Deps) {
  return { group_specs: (await getGroupType(deps.database.query, request.params.id!)).specs }
}

/** GET /group_types/{id}/group_specs/{key}. */
export async function showGroupSpec(_context: Context, request: ApiRequest, deps: Deps) {
  const { id, key } = request.params as { id: string; key: string }
  const { specs } = await getGroupType(deps.database.query, id)
  if (!Object.hasOwn(specs, key)) throw notFound(id, key)
  return { [key]: specs[key] }
}

/** POST /group_types/{id}/group_specs: adds and overwrites. */
export async function createGroupSpecs(_context: Context, request: ApiRequest, deps: Deps) {
  const { group_specs } = request.body as { group_specs: Record<string, string> }
  await write(request.params.id!, group_specs, deps)
  return { group_specs }
}

/** PUT /group_types/{id}/group_specs/{key}. The body holds that one key. */
export async function updateGroupSpec(_context: Context, request: ApiRequest, deps: Deps) {
  const specs = request.body as Record<string, string>
  if (!Object.hasOwn(specs, request.params.key!))
    throw commonErrors.BadRequest({ reason: 'Request body and URI mismatch' })
  await write(request.params.id!, specs, deps)
  return specs
}

/** DELETE /group_types/{id}/group_specs/{key}. */
export async function removeGroupSpec(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { id, key } = request.params as { id: string; key: string }
  await deps.database.transaction(async (tx) => {
    await getGroupType(tx, id)
    if (!(await deleteGroupSpec(tx, id, key))) throw notFound(id, key)
  })
}

async function write(id: string, specs: Record<string, string>, deps: Deps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    await getGroupType(tx, id)
    await writeGroupSpecs(tx, id, specs)
  })
}

const notFound = (id: string, key: string) => errors.GroupTypeSpecsNotFound({ group_type_id: id, group_specs_key: key })
