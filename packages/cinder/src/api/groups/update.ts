import type { Context } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { type GroupRow, setGroupOf, settleGroups, updateGroup, volumeTypesOf } from '../../model/groups/store.ts'
import { lockVolume } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { groupFor } from './list.ts'

interface UpdateBody {
  name?: string | null
  description?: string | null
  /** Ids with commas between. */
  add_volumes?: string | null
  remove_volumes?: string | null
}

/** PUT /groups/{id}. Throws 400 when a volume may not come in or go out; then nothing is changed. */
export async function changeGroup(context: Context, request: ApiRequest, deps: ApiDeps): Promise<void> {
  const body = (request.body as { group: UpdateBody }).group
  const adding = idsOf(body.add_volumes)
  const removing = idsOf(body.remove_volumes)
  const both = adding.find((id) => removing.includes(id))
  if (both) throw errors.InvalidVolume({ reason: `Volume ${both} is to be both added and removed.` })
  const fields = {
    ...(body.name != null && { name: body.name.trim() }),
    ...(body.description != null && { description: body.description.trim() }),
  }
  if (adding.length + removing.length + Object.keys(fields).length === 0) {
    throw errors.InvalidInput({
      reason: 'At least one of name, description, add_volumes and remove_volumes must be given.',
    })
  }
  await deps.database.transaction(async (tx) => {
    await settleGroups(tx)
    const group = await groupFor(context, tx, request.params.id!, 'group:update')
    if (group.status !== 'available')
      throw errors.InvalidGroup({ reason: `Group status is ${group.status}, not available.` })
    for (const id of removing) await remove(tx, group, id)
    for (const id of adding) await add(tx, group, id)
    await updateGroup(tx, group.id, fields)
  })
}

const idsOf = (text: string | null | undefined): string[] =>
  (text ?? '').split(',').flatMap((id) => (id.trim() === '' ? [] : [id.trim()]))

async function remove(tx: Transaction, group: GroupRow, id: string): Promise<void> {
  const volume = await lockVolume(tx, id)
  if (volume.group_id !== group.id) throw errors.InvalidVolume({ reason: `Volume ${id} is not in group ${group.id}.` })
  if (!['available', 'in-use', 'error', 'error_deleting'].includes(volume.status)) {
    throw errors.InvalidVolume({
      reason: `Cannot remove volume ${id} from the group while its status is ${volume.status}.`,
    })
  }
  await setGroupOf(tx, id, null)
}

async function add(tx: Transaction, group: GroupRow, id: string): Promise<void> {
  const volume = await lockVolume(tx, id)
  if (volume.project_id !== group.project_id) throw errors.VolumeNotFound({ volume_id: id })
  if (volume.group_id !== null)
    throw errors.InvalidVolume({ reason: `Volume ${id} is in group ${volume.group_id} already.` })
  const types = (await volumeTypesOf(tx, [group.id])).get(group.id)!
  if (volume.volume_type_id === null || !types.includes(volume.volume_type_id)) {
    throw errors.InvalidVolume({ reason: `The type of volume ${id} is not one of the group's.` })
  }
  if (!['available', 'in-use'].includes(volume.status)) {
    throw errors.InvalidVolume({ reason: `Cannot add volume ${id} to the group while its status is ${volume.status}.` })
  }
  await setGroupOf(tx, id, group.id)
}
