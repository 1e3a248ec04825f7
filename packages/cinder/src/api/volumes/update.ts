import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { getVolume, updateVolume as updateRow, type VolumeRow, writeMetadata } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from './authorize.ts'
import { trimmed } from './create.ts'
import { updateNames } from './schema.ts'
import { loadRelations, plainView } from './view.ts'

interface UpdateBody {
  name?: string | null
  description?: string | null
  display_name?: string | null
  display_description?: string | null
  metadata?: Record<string, string> | null
}

/** PUT /volumes/{id}: name, description and metadata. */
export async function updateVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const id = request.params.id!
  const body = (request.body as { volume: UpdateBody }).volume
  await getVolumeFor(context, deps.database.query, id, 'volume:update')
  if (context.allows('strict-bodies')) checkStrictly(body)
  const set: Partial<Omit<VolumeRow, 'status'>> = {}
  if (body.name !== undefined || body.display_name !== undefined) set.name = trimmed(body.name ?? body.display_name)
  if (body.description !== undefined || body.display_description !== undefined) {
    set.description = trimmed(body.description ?? body.display_description)
  }
  await deps.database.transaction(async (tx) => {
    await updateRow(tx, id, set)
    if (body.metadata) await writeMetadata(tx, id, 'user', body.metadata, true)
  })
  const q = deps.database.query
  const volume = await getVolume(q, id)
  const relations = await loadRelations(q, [volume])
  return { volume: plainView(context, request, volume, relations.get(id)!) }
}

function checkStrictly(body: UpdateBody): void {
  const names = Object.keys(body)
  const unknown = names.find((name) => !updateNames.has(name))
  if (unknown === undefined && names.length > 0) return
  const reason =
    unknown === undefined
      ? '{} does not have enough properties'
      : `Additional properties are not allowed ('${unknown}' was unexpected)`
  throw errors.InvalidParameter({ reason: `Invalid input for field/attribute volume. ${reason}` })
}
