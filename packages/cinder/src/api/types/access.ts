import type { Context } from '@hearth/core'
import type { Database, Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { addAccess, getVolumeType, listAccess, removeAccess } from '../../model/types/store.ts'

type Deps = { database: Database }

/** GET /types/{id}/os-volume-type-access: the projects that may use a private type. */
export async function listTypeAccess(_context: Context, request: ApiRequest, deps: Deps) {
  const type = await getVolumeType(deps.database.query, request.params.id!)
  if (type.isPublic) throw errors.VolumeTypeAccessPublic()
  const projects = await listAccess(deps.database.query, type.id)
  return { volume_type_access: projects.map((project_id) => ({ volume_type_id: type.id, project_id })) }
}

/** POST /types/{id}/action addProjectAccess. Throws VolumeTypeAccessExists (409), 400 on a public type. */
export async function addProjectAccess(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { project } = (request.body as { addProjectAccess: { project: string } }).addProjectAccess
  await onPrivateType(request, deps, (tx, id) => addAccess(tx, id, project))
}

/** POST /types/{id}/action removeProjectAccess. Throws VolumeTypeAccessNotFound (404), 400 on a public type. */
export async function removeProjectAccess(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { project } = (request.body as { removeProjectAccess: { project: string } }).removeProjectAccess
  await onPrivateType(request, deps, (tx, id) => removeAccess(tx, id, project))
}

async function onPrivateType(request: ApiRequest, deps: Deps, work: (tx: Transaction, id: string) => Promise<void>) {
  await deps.database.transaction(async (tx) => {
    const type = await getVolumeType(tx, request.params.id!)
    if (type.isPublic) {
      throw errors.InvalidVolumeType({ reason: 'Type access modification is not applicable to public volume type.' })
    }
    await work(tx, type.id)
  })
}
