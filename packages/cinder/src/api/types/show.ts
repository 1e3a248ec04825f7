import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { defaultVolumeType, getVolumeType, maySee } from '../../model/types/store.ts'
import { viewType } from './view.ts'

/** GET /types/{id}. A private type that the caller may not use is not found. */
export async function showType(context: Context, request: ApiRequest, deps: { database: Database }) {
  const type = await getVolumeType(deps.database.query, request.params.id!)
  if (!(await maySee(deps.database.query, { id: type.id, is_public: type.isPublic }, context))) {
    throw errors.VolumeTypeNotFound({ volume_type_id: type.id })
  }
  return { volume_type: viewType(context, type) }
}

/** GET /types/default. Returns the type of the caller's volumes that name none. */
export async function showDefaultType(context: Context, _request: ApiRequest, deps: { database: Database }) {
  const type = await defaultVolumeType(deps.database.query, context.identity?.projectId ?? null)
  return { volume_type: viewType(context, type) }
}
