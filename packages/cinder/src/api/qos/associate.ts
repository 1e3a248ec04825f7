import type { Context } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { clearTypeQos, getQosSpecs, setTypeQos, typesOf } from '../../model/qos/store.ts'
import { getVolumeType } from '../../model/types/store.ts'

type Deps = { database: Database }

/** GET /qos-specs/{id}/associations. */
export async function listAssociations(_context: Context, request: ApiRequest, deps: Deps) {
  const { id } = await getQosSpecs(deps.database.query, request.params.id!)
  const types = await typesOf(deps.database.query, id)
  return { qos_associations: types.map((type) => ({ association_type: 'volume_type', name: type.name, id: type.id })) }
}

/** GET /qos-specs/{id}/associate?vol_type_id=. Throws 400 when the type carries other specs. */
export async function associate(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const typeId = readTypeId(request)
  await deps.database.transaction(async (tx) => {
    const { id } = await getQosSpecs(tx, request.params.id!)
    const type = await getVolumeType(tx, typeId)
    if (type.qosSpecsId !== null && type.qosSpecsId !== id) {
      throw errors.InvalidVolumeType({
        reason: `Type ${type.id} is already associated with another qos specs: ${type.qosSpecsId}`,
      })
    }
    await setTypeQos(tx, type.id, id)
  })
}

/** GET /qos-specs/{id}/disassociate?vol_type_id=. */
export async function disassociate(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const typeId = readTypeId(request)
  await deps.database.transaction(async (tx) => {
    const { id } = await getQosSpecs(tx, request.params.id!)
    const type = await getVolumeType(tx, typeId)
    if (type.qosSpecsId === id) await setTypeQos(tx, type.id, null)
  })
}

/** GET /qos-specs/{id}/disassociate_all. */
export async function disassociateAll(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const { id } = await getQosSpecs(tx, request.params.id!)
    await clearTypeQos(tx, id)
  })
}

function readTypeId(request: ApiRequest): string {
  const id = queryValue(request.query, 'vol_type_id')
  if (!id) throw errors.InvalidInput({ reason: 'Volume Type id must not be None.' })
  return id
}
