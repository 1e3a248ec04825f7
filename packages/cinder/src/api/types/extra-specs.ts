import { type Context, commonErrors, own } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { deleteExtraSpec, getVolumeType, typeInUse, writeExtraSpecs } from '../../model/types/store.ts'
import { checkExclusiveSpecs } from './create.ts'
import { visibleExtraSpecs } from './view.ts'

type Deps = { database: Database }

/** GET /types/{id}/extra_specs. */
export async function listExtraSpecs(context: Context, request: ApiRequest, deps: Deps) {
  const type = await getVolumeType(deps.database.query, request.params.id!)
  return { extra_specs: visibleExtraSpecs(context, type.extraSpecs) }
}

/** GET /types/{id}/extra_specs/{key}. Throws 404 when there is no such key. */
export async function showExtraSpec(context: Context, request: ApiRequest, deps: Deps) {
  const key = request.params.key!
  const type = await getVolumeType(deps.database.query, request.params.id!)
  const value = own(visibleExtraSpecs(context, type.extraSpecs), key)
  if (value === undefined) throw specNotFound(type.id, key)
  return { [key]: value }
}

/** POST /types/{id}/extra_specs: adds and overwrites. Refused (400) while a volume uses the type. */
export async function createExtraSpecs(_context: Context, request: ApiRequest, deps: Deps) {
  const specs = (request.body as { extra_specs: Record<string, string> }).extra_specs
  await write(request.params.id!, specs, deps)
  return { extra_specs: specs }
}

/** PUT /types/{id}/extra_specs/{key}. The body holds that one key. */
export async function updateExtraSpec(_context: Context, request: ApiRequest, deps: Deps) {
  const specs = request.body as Record<string, string>
  if (!Object.hasOwn(specs, request.params.key!)) {
    throw commonErrors.BadRequest({ reason: 'Request body and URI mismatch' })
  }
  await write(request.params.id!, specs, deps)
  return specs
}

/** DELETE /types/{id}/extra_specs/{key}. */
export async function removeExtraSpec(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { id, key } = request.params as { id: string; key: string }
  await deps.database.transaction(async (tx) => {
    await getVolumeType(tx, id)
    if (await typeInUse(tx, id)) throw specsInUse('delete')
    if (!(await deleteExtraSpec(tx, id, key))) throw specNotFound(id, key)
  })
}

async function write(id: string, specs: Record<string, string>, deps: Deps): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const type = await getVolumeType(tx, id)
    if (await typeInUse(tx, id)) throw specsInUse('create')
    checkExclusiveSpecs({ ...type.extraSpecs, ...specs })
    await writeExtraSpecs(tx, id, specs)
  })
}

const specNotFound = (id: string, key: string) =>
  errors.VolumeTypeExtraSpecsNotFound({ volume_type_id: id, extra_specs_key: key })

const specsInUse = (verb: string) =>
  commonErrors.BadRequest({ reason: `Volume Type is currently in use, cannot ${verb} extra specs.` })
