import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { deleteAttachmentsOf, listAttachments } from '../../../model/attachments/store.ts'
import { errors } from '../../../model/errors.ts'
import { disconnectVolume, messageContext } from '../../../model/topics.ts'
import { resetStates } from '../../../model/volumes/states.ts'
import { backendOf, lockVolume, updateVolume, type VolumeRow } from '../../../model/volumes/store.ts'
import type { ApiDeps } from '../../deps.ts'
import { getVolumeFor } from '../authorize.ts'
import { isTruthy } from '../schema.ts'

/** os-set_bootable: sets or clears the bootable flag. */
export async function setBootable(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id } = await getVolumeFor(context, deps.database.query, request.params.id!, 'volume:update')
  const body = request.body as { 'os-set_bootable': { bootable: unknown } }
  await updateVolume(deps.database.query, id, { bootable: isTruthy(body['os-set_bootable'].bootable) })
  return undefined
}

interface ResetBody {
  status?: string
  attach_status?: 'attached' | 'detached'
  migration_status?: string
}

/** os-reset_status: an administrator sets statuses by hand; no data changes on the backend. */
export async function resetStatus(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'volume_extension:volume_admin_actions:reset_status'
  const { id } = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  const body = (request.body as { 'os-reset_status': ResetBody })['os-reset_status']
  if (body.status === undefined && body.attach_status === undefined && body.migration_status === undefined) {
    throw errors.InvalidParameter({
      reason: "Must specify 'status', 'attach_status' or 'migration_status' for update.",
    })
  }
  if (body.status === 'deleting') throw errors.InvalidParameter({ reason: "Cannot reset to status 'deleting'." })
  const volume = await deps.database.transaction((tx) => reset(tx, id, body))
  if (body.attach_status === 'detached') await removeExport(context, volume, deps)
  return undefined
}

async function reset(tx: Transaction, id: string, body: ResetBody): Promise<VolumeRow> {
  const volume = await lockVolume(tx, id)
  const set: Partial<Omit<VolumeRow, 'status'>> = {}
  if (body.attach_status !== undefined) set.attach_status = body.attach_status
  if (body.migration_status !== undefined) {
    set.migration_status = body.migration_status === 'none' ? null : body.migration_status
  }
  if (body.attach_status === 'detached') await deleteAttachmentsOf(tx, id)
  if (body.status === undefined) {
    await updateVolume(tx, id, set)
    return volume
  }
  if (body.status === 'in-use' && (await listAttachments(tx, { volume_id: id })).length === 0) {
    throw errors.InvalidVolume({ reason: `Cannot reset-state to in-use because volume does not have any attachments.` })
  }
  // No work in progress continues after a reset, so its task is cleared; a reset to `creating` keeps it.
  const extra = { ...set, previous_status: null, task: body.status === 'creating' ? volume.task : null }
  await move(tx, { table: 'volumes', id, to: body.status, states: resetStates, from: volume.status, set: extra })
  return volume
}

/** Removes the export of a volume without attachments. A backend that does not respond removes it at its next start. */
async function removeExport(context: Context, volume: VolumeRow, deps: ApiDeps): Promise<void> {
  if (volume.host === null || volume.provider_auth === null) return
  const payload = { volumeId: volume.id, attachmentId: null }
  const call = deps.bus.call(disconnectVolume, backendOf(volume.host), payload, messageContext(context), 5000)
  await call.catch((error: unknown) =>
    context.log.warn(
      { err: error, volumeId: volume.id },
      'the export of a detached volume could not be removed; the backend removes it when it starts',
    ),
  )
}
