import { type Context, uuid } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import {
  type AttachmentRow,
  type Connector,
  createAttachmentRow,
  getAttachment,
  listAttachments,
} from '../../model/attachments/store.ts'
import { errors } from '../../model/errors.ts'
import { connectVolume, messageContext } from '../../model/topics.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import { backendOf, lockVolume, readMetadata, updateVolume, type VolumeRow } from '../../model/volumes/store.ts'
import type { ApiDeps } from '../deps.ts'
import { getVolumeFor } from '../volumes/authorize.ts'
import { detailView } from './view.ts'

interface CreateBody {
  volume_uuid: string
  instance_uuid?: string | null
  connector?: Connector | null
  mode?: string | null
}

/** POST /attachments: reserves the volume and, with a connector, exports it to that connector. */
export async function createAttachment(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const body = (request.body as { attachment: CreateBody }).attachment
  const volume = await getVolumeFor(context, deps.database.query, body.volume_uuid, 'volume:attachment_create')
  if (volume.multiattach && volume.bootable && volume.status === 'in-use') {
    const target = { project_id: volume.project_id, user_id: volume.user_id }
    context.enforce('volume:multiattach_bootable_volume', target)
  }
  const row = await deps.database.transaction((tx) => reserve(tx, volume, body))
  const connector = body.connector ?? {}
  if (Object.keys(connector).length === 0) return { attachment: detailView(row) }
  await connect(context, volume, row, connector, deps)
  return { attachment: detailView(await getAttachment(deps.database.query, row.id)) }
}

async function reserve(tx: Transaction, volume: VolumeRow, body: CreateBody): Promise<AttachmentRow> {
  const locked = await lockVolume(tx, volume.id)
  await reserveVolume(tx, locked, body.instance_uuid ?? null)
  const mode = (await readMetadata(tx, locked.id, 'admin')).readonly === 'True' ? 'ro' : (body.mode ?? null)
  return createAttachmentRow(tx, {
    id: uuid(),
    volume_id: locked.id,
    project_id: locked.project_id,
    instance_uuid: body.instance_uuid ?? null,
    attach_mode: mode,
    status: 'reserved',
  })
}

/** Sets the volume to `reserved`, unless the same server has it already or it is multiattach and in use. Throws 400. */
async function reserveVolume(tx: Transaction, volume: VolumeRow, instance: string | null): Promise<void> {
  if (volume.status.includes('error')) {
    throw errors.InvalidVolume({ reason: `Volume ${volume.id} is in an error state, and cannot be attached.` })
  }
  const states = volumeStates
  if (await move(tx, { table: 'volumes', id: volume.id, to: 'reserved', states, from: 'available' })) {
    await updateVolume(tx, volume.id, { attach_status: 'reserved' })
    return
  }
  if (volume.multiattach && volume.status === 'in-use') return
  const attachments = await listAttachments(tx, { volume_id: volume.id })
  const same = instance !== null && attachments.some((one) => one.instance_uuid === instance)
  if (same && ['in-use', 'reserved'].includes(volume.status)) return
  const reason = `Volume ${volume.id} status must be available or downloading to reserve, but the current status is ${volume.status}.`
  throw errors.InvalidVolume({ reason })
}

async function connect(
  context: Context,
  volume: VolumeRow,
  attachment: AttachmentRow,
  connector: Connector,
  deps: ApiDeps,
): Promise<void> {
  if (volume.host === null) throw errors.InvalidVolume({ reason: `Volume ${volume.id} has no backend.` })
  const mode = attachment.attach_mode ?? (typeof connector.mode === 'string' ? connector.mode : null)
  const payload = { volumeId: volume.id, attachmentId: attachment.id, connector, mode }
  await deps.bus.call(connectVolume, backendOf(volume.host), payload, messageContext(context))
}

/** PUT /attachments/{id}: exports the volume to the connector. */
export async function updateAttachment(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const attachment = await getAttachment(q, request.params.id!)
  const volume = await getVolumeFor(context, q, attachment.volume_id, 'volume:attachment_update')
  const { connector } = (request.body as { attachment: { connector: Connector } }).attachment
  await checkSameServer(context, deps, attachment)
  await connect(context, volume, attachment, connector, deps)
  return { attachment: detailView(await getAttachment(q, attachment.id)) }
}

/** Throws InvalidVolume (400) if the volume is not multiattach and another server is connected to it. */
async function checkSameServer(_context: Context, deps: ApiDeps, attachment: AttachmentRow): Promise<void> {
  const others = await listAttachments(deps.database.query, { volume_id: attachment.volume_id })
  const volume = await deps.database.query('volumes').where({ id: attachment.volume_id }).first('multiattach')
  if (volume?.multiattach) return
  const taken = others.some(
    (one) => one.id !== attachment.id && one.connection_info !== null && one.instance_uuid !== attachment.instance_uuid,
  )
  if (taken) throw errors.InvalidVolume({ reason: `Volume ${attachment.volume_id} is attached to another server.` })
}
