import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../../model/errors.ts'
import { checkVolumeSize, takeQuota } from '../../../model/quotas/store.ts'
import { messageContext, scheduleExtend, schedulerTarget } from '../../../model/topics.ts'
import { getVolumeType, type VolumeType } from '../../../model/types/store.ts'
import { volumeStates } from '../../../model/volumes/states.ts'
import { lockVolume, type VolumeRow } from '../../../model/volumes/store.ts'
import type { ExtensionTask } from '../../../model/volumes/tasks.ts'
import type { ApiDeps } from '../../deps.ts'
import { getVolumeFor } from '../authorize.ts'
import { checkTypeSize } from '../size.ts'

/** os-extend: grows a volume; since 3.42 an attached volume too. */
export async function extendVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, 'volume:extend')
  const body = request.body as { 'os-extend': { new_size: number | string } }
  const newSizeGiB = Number(body['os-extend'].new_size)
  checkExtension(context, volume, newSizeGiB)
  const type = await getVolumeType(deps.database.query, volume.volume_type_id ?? '')
  checkTypeSize(type, newSizeGiB)
  await checkVolumeSize(deps.database.query, volume.project_id, newSizeGiB)
  await deps.database.transaction(async (tx) => {
    const locked = await lockVolume(tx, volume.id)
    checkExtension(context, locked, newSizeGiB)
    await beginExtension(tx, locked, newSizeGiB, type)
    await deps.bus.cast(tx, scheduleExtend, schedulerTarget, { volumeId: volume.id }, messageContext(context))
  })
  return undefined
}

function checkExtension(context: Context, volume: VolumeRow, newSizeGiB: number): void {
  const statuses = context.allows('extend-attached') ? ['available', 'in-use'] : ['available']
  if (!statuses.includes(volume.status)) {
    const reason = `Volume ${volume.id} status must be '${statuses.join("' or '")}' to extend, currently ${volume.status}.`
    throw errors.InvalidVolume({ reason })
  }
  if (volume.status === 'in-use') {
    context.enforce('volume:extend_attached_volume', { project_id: volume.project_id, user_id: volume.user_id })
  }
  if (volume.migration_status !== null && !['error', 'success'].includes(volume.migration_status)) {
    throw errors.InvalidVolume({ reason: `Volume ${volume.id} is migrating.` })
  }
  if (!Number.isInteger(newSizeGiB) || newSizeGiB <= volume.size) {
    const reason = `New size for extend must be greater than current size. (current: ${volume.size}, extended: ${newSizeGiB}).`
    throw errors.InvalidInput({ reason })
  }
}

async function beginExtension(tx: Transaction, volume: VolumeRow, newSizeGiB: number, type: VolumeType): Promise<void> {
  const task: ExtensionTask = { newSizeGiB, typeName: type.name, placed: false }
  const set = { previous_status: volume.status, task: JSON.stringify(task) }
  const { id, status: from } = volume
  await move(tx, { table: 'volumes', id, to: 'extending', states: volumeStates, from, set })
  if (!volume.use_quota) return
  const deltas = { gigabytes: newSizeGiB - volume.size }
  await takeQuota(tx, { projectId: volume.project_id, deltas, volumeTypeName: type.name })
}
