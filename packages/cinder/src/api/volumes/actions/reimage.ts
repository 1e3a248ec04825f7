import type { Context } from '@hearth/core'
import { move } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../../model/errors.ts'
import { messageContext, reimageVolume as reimageTopic } from '../../../model/topics.ts'
import { volumeStates } from '../../../model/volumes/states.ts'
import { backendOf, lockVolume, type VolumeRow } from '../../../model/volumes/store.ts'
import type { ReimageTask } from '../../../model/volumes/tasks.ts'
import type { ApiDeps } from '../../deps.ts'
import { getVolumeFor } from '../authorize.ts'
import { isTruthy } from '../schema.ts'
import { readSize } from '../size.ts'
import { imageSourceOf, resolveSource } from '../source.ts'

/** os-reimage: writes an image over a volume. */
export async function reimageVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, 'volume:reimage')
  const body = (request.body as { 'os-reimage': { image_id: string; reimage_reserved?: unknown } })['os-reimage']
  const reserved = isTruthy(body.reimage_reserved)
  checkStatus(context, volume, reserved)
  const source = await resolveSource(context, { image_id: body.image_id }, deps)
  readSize(volume.size, source, deps.maxVolumeSize)
  const task: ReimageTask = { image: imageSourceOf(source.image!), imageMetadata: source.imageMetadata }
  await deps.database.transaction(async (tx) => {
    const locked = await lockVolume(tx, volume.id)
    checkStatus(context, locked, reserved)
    const set = { previous_status: locked.status === 'error' ? 'available' : locked.status, task: JSON.stringify(task) }
    const { id, status: from } = locked
    await move(tx, { table: 'volumes', id, to: 'downloading', states: volumeStates, from, set })
    await deps.bus.cast(tx, reimageTopic, backendOf(locked.host!), { volumeId: id }, messageContext(context))
  })
  return undefined
}

function checkStatus(context: Context, volume: VolumeRow, reserved: boolean): void {
  const statuses = reserved ? ['available', 'error', 'reserved'] : ['available', 'error']
  if (!statuses.includes(volume.status) || volume.host === null || volume.launched_at === null) {
    const reason = `status must be ${statuses.join(' or ')} to re-image, but is ${volume.status}.`
    throw errors.InvalidVolume({ reason })
  }
  if (reserved) context.enforce('volume:reimage_reserved', { project_id: volume.project_id, user_id: volume.user_id })
}
