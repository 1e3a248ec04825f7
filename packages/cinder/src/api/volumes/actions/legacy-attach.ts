import { type Context, uuid } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { createAttachmentRow, deleteAttachmentRow, listAttachments } from '../../../model/attachments/store.ts'
import { syncVolumeStatus } from '../../../model/attachments/volume-status.ts'
import { errors } from '../../../model/errors.ts'
import { connectVolume, disconnectVolume, messageContext } from '../../../model/topics.ts'
import { volumeStates } from '../../../model/volumes/states.ts'
import {
  backendOf,
  lockVolume,
  readMetadata,
  updateVolume,
  type VolumeRow,
  writeMetadata,
} from '../../../model/volumes/store.ts'
import { findAttachmentToDetach } from '../../attachments/service-token.ts'
import type { ApiDeps } from '../../deps.ts'
import { getVolumeFor } from '../authorize.ts'

const prefix = 'volume_extension:volume_actions:'

async function getVolumeForAction(
  context: Context,
  request: ApiRequest,
  deps: ApiDeps,
  name: string,
): Promise<VolumeRow> {
  return getVolumeFor(context, deps.database.query, request.params.id!, `${prefix}${name}`)
}

interface AttachBody {
  instance_uuid?: string
  host_name?: string
  mountpoint: string
  mode?: 'rw' | 'ro'
}

/** os-attach: records that the caller has connected the volume by itself. */
export async function attachVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const volume = await getVolumeForAction(context, request, deps, 'attach')
  const body = (request.body as { 'os-attach': AttachBody })['os-attach']
  if (body.instance_uuid === undefined && body.host_name === undefined) {
    throw errors.InvalidParameter({ reason: 'Invalid request to attach volume to an invalid target' })
  }
  await deps.database.transaction((tx) => attach(tx, volume.id, body))
  return undefined
}

async function attach(tx: Transaction, id: string, body: AttachBody): Promise<void> {
  const volume = await lockVolume(tx, id)
  const { instance_uuid = null, host_name = null, mountpoint, mode = 'rw' } = body
  const before = await listAttachments(tx, { volume_id: id })
  if (before.some((one) => one.status === 'attached' && instance_uuid !== null && one.instance_uuid === instance_uuid))
    return
  const again = volume.multiattach && volume.status === 'in-use'
  if (!['available', 'attaching', 'reserved'].includes(volume.status) && !again) {
    throw errors.InvalidVolume({ reason: `volume is already attached or its status is ${volume.status}` })
  }
  if ((await readMetadata(tx, id, 'admin')).readonly === 'True' && mode !== 'ro') {
    throw errors.InvalidVolumeAttachMode({ mode, volume_id: id })
  }
  await createAttachmentRow(tx, {
    id: uuid(),
    volume_id: id,
    project_id: volume.project_id,
    instance_uuid,
    attached_host: host_name,
    mountpoint,
    attach_mode: mode,
    status: 'attached',
    attached_at: Date.now(),
  })
  await writeMetadata(tx, id, 'admin', { attached_mode: mode })
  await syncVolumeStatus(tx, volume)
}

/** os-detach: deletes an attachment, and the export with the last one. */
export async function detachVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const volume = await getVolumeForAction(context, request, deps, 'detach')
  const body = (request.body as { 'os-detach': { attachment_id?: string | null } | null })['os-detach']
  await endAttachment(context, volume, body?.attachment_id ?? null, deps)
  return undefined
}

/** os-force_detach: an administrator detaches a volume whose server or connector no longer exists. */
export async function forceDetachVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const rule = 'volume_extension:volume_admin_actions:force_detach'
  const volume = await getVolumeFor(context, deps.database.query, request.params.id!, rule)
  const body = (request.body as { 'os-force_detach': { attachment_id?: string | null } | null })['os-force_detach']
  if (!['in-use', 'attaching', 'detaching'].includes(volume.status)) {
    const reason = `Volume status must be in-use, attaching or detaching to be force detached, but current status is: ${volume.status}`
    throw errors.InvalidVolume({ reason })
  }
  await endAttachment(context, volume, body?.attachment_id ?? null, deps)
  return undefined
}

async function endAttachment(context: Context, volume: VolumeRow, id: string | null, deps: ApiDeps): Promise<void> {
  const attachment = await findAttachmentToDetach(context, volume.id, id, deps)
  const attachments = await listAttachments(deps.database.query, { volume_id: volume.id })
  if (!attachment && attachments.length > 1) {
    throw errors.InvalidVolume({
      reason: `Detach volume failed: More than one attachment, but no attachment_id provided.`,
    })
  }
  if (volume.host !== null) {
    const payload = { volumeId: volume.id, attachmentId: attachment?.id ?? null }
    await deps.bus.call(disconnectVolume, backendOf(volume.host), payload, messageContext(context))
  }
  await deps.database.transaction(async (tx) => {
    const locked = await lockVolume(tx, volume.id)
    if (attachment) await deleteAttachmentRow(tx, attachment.id)
    await syncVolumeStatus(tx, locked)
  })
}

/** os-reserve: sets `attaching`, so that no other caller can attach the volume. */
export async function reserveVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id } = await getVolumeForAction(context, request, deps, 'reserve')
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, id)
    const from = volume.multiattach ? ['available', 'in-use'] : ['available']
    if (await move(tx, { table: 'volumes', id, to: 'attaching', states: volumeStates, from })) return
    const reason = `Volume status must be ${from.join(' or ')} to reserve, but the current status is ${volume.status}.`
    throw errors.InvalidVolume({ reason })
  })
  return undefined
}

/** os-unreserve: ends a reservation; does nothing if the volume is not reserved. */
export async function unreserveVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id } = await getVolumeForAction(context, request, deps, 'unreserve')
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, id)
    if (volume.status === 'attaching') await syncVolumeStatus(tx, volume)
  })
  return undefined
}

/** os-begin_detaching: sets `detaching` on an attached volume. */
export async function beginDetaching(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id } = await getVolumeForAction(context, request, deps, 'begin_detaching')
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, id)
    const attached = volume.attach_status === 'attached'
    const states = volumeStates
    if (attached && (await move(tx, { table: 'volumes', id, to: 'detaching', states, from: 'in-use' }))) return
    const reason = `Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.`
    throw errors.InvalidVolume({ reason })
  })
  return undefined
}

/** os-roll_detaching: sets `detaching` back to `in-use`. */
export async function rollDetaching(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id } = await getVolumeForAction(context, request, deps, 'roll_detaching')
  await move(deps.database.query, { table: 'volumes', id, to: 'in-use', states: volumeStates, from: 'detaching' })
  return undefined
}

/** os-initialize_connection: exports the volume and returns the nested connection_info. */
export async function initializeConnection(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const volume = await getVolumeForAction(context, request, deps, 'initialize_connection')
  const body = request.body as { 'os-initialize_connection': { connector: Record<string, unknown> } }
  const { connector } = body['os-initialize_connection']
  if (volume.host === null) throw errors.InvalidVolume({ reason: `Volume ${volume.id} has no backend.` })
  const payload = { volumeId: volume.id, attachmentId: null, connector, mode: null }
  const info = await deps.bus.call(connectVolume, backendOf(volume.host), payload, messageContext(context))
  return { connection_info: info }
}

/** os-terminate_connection: removes the legacy connection. */
export async function terminateConnection(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const volume = await getVolumeForAction(context, request, deps, 'terminate_connection')
  await findAttachmentToDetach(context, volume.id, null, deps)
  if (volume.host === null) return undefined
  const payload = { volumeId: volume.id, attachmentId: null }
  await deps.bus.call(disconnectVolume, backendOf(volume.host), payload, messageContext(context))
  return undefined
}

/** os-update_readonly_flag: sets the `readonly` key of the administrator's metadata. */
export async function updateReadonly(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const { id } = await getVolumeFor(context, deps.database.query, request.params.id!, 'volume:update_readonly_flag')
  const body = request.body as { 'os-update_readonly_flag': { readonly: unknown } }
  const readonly = /^(true|1|on|yes|t|y)$/i.test(String(body['os-update_readonly_flag'].readonly))
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, id)
    if (volume.status !== 'available') {
      const reason = `Volume ${id} status must be available to update readonly flag, but current status is: ${volume.status}.`
      throw errors.InvalidVolume({ reason })
    }
    await writeMetadata(tx, id, 'admin', { readonly: readonly ? 'True' : 'False' })
    await updateVolume(tx, id, {})
  })
  return undefined
}
