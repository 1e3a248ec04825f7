import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { deleteTypeResources } from '../../model/quotas/store.ts'
import {
  countVolumeTypes,
  defaultVolumeType,
  deleteVolumeType,
  getVolumeType,
  isProjectDefault,
  typeInUse,
} from '../../model/types/store.ts'

/** DELETE /types/{id}. Throws 400 while the type is in use, a default, or the last one. */
export async function deleteType(_context: Context, request: ApiRequest, deps: { database: Database }): Promise<void> {
  const id = request.params.id!
  await deps.database.transaction(async (tx) => {
    const type = await getVolumeType(tx, id)
    if (await typeInUse(tx, id)) throw errors.VolumeTypeInUse()
    const kept =
      (await countVolumeTypes(tx)) <= 1 ||
      (await isProjectDefault(tx, id)) ||
      (await defaultVolumeType(tx, null).catch(() => null))?.id === id
    if (kept) throw errors.VolumeTypeDeletionError({ volume_type_id: id })
    await deleteTypeResources(tx, type.name)
    await deleteVolumeType(tx, id)
  })
}
