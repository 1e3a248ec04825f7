import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../../model/errors.ts'
import { giveQuota, takeQuota } from '../../../model/quotas/store.ts'
import { messageContext, scheduleRetype, schedulerTarget } from '../../../model/topics.ts'
import { findVolumeType, type VolumeType } from '../../../model/types/store.ts'
import { typeNameOf } from '../../../model/volumes/quota.ts'
import { volumeStates } from '../../../model/volumes/states.ts'
import { lockVolume, type VolumeRow } from '../../../model/volumes/store.ts'
import type { RetypeTask } from '../../../model/volumes/tasks.ts'
import type { ApiDeps } from '../../deps.ts'
import { getVolumeFor } from '../authorize.ts'
import { isMultiattach, refuseEncryption } from '../create.ts'
import { checkTypeSize } from '../size.ts'

/** os-retype: changes the volume type. The volume moves to another backend only with the policy `on-demand`. */
export async function retypeVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const q = deps.database.query
  const volume = await getVolumeFor(context, q, request.params.id!, 'volume:retype')
  const body = request.body as { 'os-retype': { new_type: string; migration_policy?: RetypeTask['policy'] } }
  const { new_type: wanted, migration_policy: policy = 'never' } = body['os-retype']
  const type = await findVolumeType(q, wanted, context)
  checkTypeSize(type, volume.size)
  await refuseEncryption(q, type)
  const multiattach = isMultiattach(type)
  await deps.database.transaction(async (tx) => {
    const locked = await lockVolume(tx, volume.id)
    checkRetype(locked, type, multiattach)
    await beginRetype(tx, locked, { newTypeId: type.id, multiattach, policy }, type)
    await deps.bus.cast(tx, scheduleRetype, schedulerTarget, { volumeId: volume.id }, messageContext(context))
  })
  return undefined
}

function checkRetype(volume: VolumeRow, type: VolumeType, multiattach: boolean): void {
  const migrating = volume.migration_status !== null && !['error', 'success'].includes(volume.migration_status)
  if (!['available', 'in-use'].includes(volume.status) || migrating || volume.group_id !== null) {
    const reason = `Retype needs volume to be in available or in-use state, not be part of an active migration or a group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.`
    throw errors.InvalidVolume({ reason })
  }
  if (volume.volume_type_id === type.id) {
    throw errors.InvalidInput({ reason: 'New volume type same as original.' })
  }
  if (volume.multiattach !== multiattach && volume.status !== 'available') {
    throw errors.InvalidInput({ reason: 'Changing multiattach property is only allowed on available volumes.' })
  }
}

async function beginRetype(tx: Transaction, volume: VolumeRow, task: RetypeTask, type: VolumeType): Promise<void> {
  const set = { previous_status: volume.status, task: JSON.stringify(task) }
  const { id, status: from } = volume
  await move(tx, { table: 'volumes', id, to: 'retyping', states: volumeStates, from, set })
  if (!volume.use_quota) return
  const deltas = { volumes: 1, gigabytes: volume.size }
  const projectId = volume.project_id
  await giveQuota(tx, { projectId, deltas, volumeTypeName: await typeNameOf(tx, volume.volume_type_id) })
  await takeQuota(tx, { projectId, deltas, volumeTypeName: type.name })
}
