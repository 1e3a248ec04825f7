import { type Context, commonErrors } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { renameTypeResources } from '../../model/quotas/store.ts'
import { getVolumeType, type TypeRow, updateVolumeType } from '../../model/types/store.ts'
import { readFlag } from './schema.ts'
import { viewType } from './view.ts'

interface UpdateBody {
  volume_type: { name?: string | null; description?: string | null; is_public?: unknown }
}

/** PUT /types/{id}. Throws VolumeTypeNotFound (404), VolumeTypeExists (409). Per-type quotas follow the new name. */
export async function updateType(context: Context, request: ApiRequest, deps: { database: Database }) {
  const id = request.params.id!
  const { name, description, is_public } = (request.body as UpdateBody).volume_type
  if (typeof name === 'string' && name.trim() === '') {
    throw commonErrors.BadRequest({ reason: 'Volume type name can not be empty.' })
  }
  if ((name ?? description ?? is_public) === undefined || (name ?? description ?? is_public) === null) {
    throw commonErrors.BadRequest({
      reason: 'Specify volume type name, description, is_public or a combination thereof.',
    })
  }
  const set: Partial<TypeRow> = {}
  if (typeof name === 'string') set.name = name.trim()
  if (typeof description === 'string') set.description = description
  if (is_public !== undefined) set.is_public = readFlag(is_public, true)
  const type = await deps.database.transaction(async (tx) => {
    const before = await getVolumeType(tx, id)
    await updateVolumeType(tx, id, set)
    if (set.name && set.name !== before.name) await renameTypeResources(tx, before.name, set.name)
    return getVolumeType(tx, id)
  })
  return { volume_type: viewType(context, type) }
}
