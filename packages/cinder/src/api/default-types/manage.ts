import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import {
  deleteDefaultType,
  findDefaultType,
  listDefaultTypes,
  writeDefaultType,
} from '../../model/default-types/store.ts'
import { errors } from '../../model/errors.ts'
import { findVolumeType } from '../../model/types/store.ts'

type Deps = { database: Database }

/** GET /default-types. */
export async function listDefaults(_context: Context, _request: ApiRequest, deps: Deps) {
  return { default_types: await listDefaultTypes(deps.database.query) }
}

/** GET /default-types/{project}. Throws DefaultVolumeTypeNotFound (404). */
export async function showDefault(_context: Context, request: ApiRequest, deps: Deps) {
  const project = request.params.project!
  const row = await findDefaultType(deps.database.query, project)
  if (!row) throw errors.DefaultVolumeTypeNotFound({ project_id: project })
  return { default_type: row }
}

/** PUT /default-types/{project}. Sets the type of the project's volumes that name none. */
export async function setDefault(context: Context, request: ApiRequest, deps: Deps) {
  const { volume_type: wanted } = (request.body as { default_type: { volume_type: string } }).default_type
  const row = await deps.database.transaction(async (tx) => {
    const type = await findVolumeType(tx, wanted, context)
    const set = { project_id: request.params.project!, volume_type_id: type.id }
    await writeDefaultType(tx, set)
    return set
  })
  return { default_type: row }
}

/** DELETE /default-types/{project}: the deployment's default holds again. */
export async function unsetDefault(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await deleteDefaultType(deps.database.query, request.params.project!)
}
