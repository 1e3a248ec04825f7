import { errorTable } from '@hearth/core'
import { type AttachedDevice, type ConnectionInfo, isDriverError } from '@hearth/driver'
import type { Connectors } from './connectors.ts'
import type { KeptAttachment, KeptAttachments } from './kept-attachments.ts'
import { type Attachment, isRefusal, nestedConnection, type Volume, type VolumeApi } from './volume-api.ts'

const errors = errorTable({
  AttachFailed: [
    500,
    '{volume} could not be attached: {reason}. Nothing is left attached; when that is mended, repeat the command',
  ],
  NotAttached: [404, '{volume} is not attached to {host} by hearth attach; hearth attach --list tells what is'],
  InUse: [409, '{volume} stays attached: {reason}. Unmount it or end what uses it, then repeat the command'],
})

export interface AttachDeps {
  api: VolumeApi
  connectors: Connectors
  kept: KeptAttachments
  /** Where the device is to be. */
  host: string
  /** Called with the step that is being waited for. */
  tell(text: string): void
  signal: AbortSignal
}

interface Attached extends AttachedDevice {
  volumeId: string
  attachmentId: string
}

/**
 * Attaches a volume, by id or name, to the host and returns its device. Repeating it returns the same device; after a
 * crash it continues where it was interrupted.
 */
export async function attachVolume(nameOrId: string, mode: 'rw' | 'ro', deps: AttachDeps): Promise<Attached> {
  const { api, kept, tell } = deps
  const volume = await api.find(nameOrId)
  const note = kept.find(volume.id, deps.host) ?? (await begin(volume, deps))
  const attachment = await connectedAttachment(note, mode, deps)
  const connection = nestedConnection(attachment.connection_info ?? {})
  const connected = { ...note, attachmentId: attachment.id, connection }
  kept.keep(connected)
  tell(`connecting ${volume.name || volume.id}: ${placeOf(connection)}`)
  const device = await connect(connected, deps)
  await api.complete(attachment.id)
  kept.keep({ ...connected, device: device.path })
  return { ...device, volumeId: volume.id, attachmentId: attachment.id }
}

/** Records the attachment before the request for it is sent. */
async function begin(volume: Volume, { api, kept, host }: AttachDeps): Promise<KeptAttachment> {
  const before = (await api.attachments(volume.id)).map(({ id }) => id)
  const nothing = { attachmentId: null, connection: null, device: null }
  const named = { volumeId: volume.id, volumeName: volume.name || null, host }
  const note = { ...named, ...nothing, before, since: new Date().toISOString() }
  kept.keep(note)
  return note
}

/** Our attachment with its connection: the one noted, the one a crash kept from being noted, or a new one. */
async function connectedAttachment(
  note: KeptAttachment,
  mode: 'rw' | 'ro',
  { api, connectors, kept }: AttachDeps,
): Promise<Attachment> {
  const found = note.attachmentId === null ? await unnoted(note, api) : await api.attachment(note.attachmentId)
  if (found?.connection_info?.driver_volume_type !== undefined) return found
  if (note.connection) await (await connectors.of(note.connection.driver_volume_type)).detach(note.connection)
  const connector = await connectors.properties()
  if (found) return api.connect(found.id, connector)
  try {
    return await api.attach(note.volumeId, connector, mode)
  } catch (error) {
    if (isRefusal(error)) kept.forget(note)
    throw error
  }
}

async function unnoted({ volumeId, before }: KeptAttachment, api: VolumeApi): Promise<Attachment | null> {
  const isOurs = (one: Attachment): boolean =>
    !before.includes(one.id) && one.instance === null && ['reserved', 'attaching'].includes(one.status)
  const ours = (await api.attachments(volumeId)).find(isOurs)
  return ours ? api.attachment(ours.id) : null
}

async function connect(note: KeptAttachment, { api, connectors, kept, signal }: AttachDeps): Promise<AttachedDevice> {
  const connection = note.connection!
  const connector = await connectors.of(connection.driver_volume_type)
  try {
    return await connector.attach(connection, signal)
  } catch (error) {
    if (!isDriverError(error)) throw error
    await connector.detach(connection)
    await api.detach(note.attachmentId!)
    kept.forget(note)
    throw errors.AttachFailed({ volume: note.volumeName ?? note.volumeId, reason: error.message }, error)
  }
}

/** Where a volume is reached, for a person. */
function placeOf({ driver_volume_type: kind, data }: ConnectionInfo): string {
  const { target_portals, target_portal, export: share, hosts, name } = data
  const place = target_portals ?? target_portal ?? share ?? hosts ?? name ?? ''
  return `${kind} ${[place].flat().join(', ')}`
}

/**
 * Detaches a volume from the host and deletes its attachment. Repeating it after a crash finishes it. Throws
 * NotAttached (404), and InUse (409) when a process has the device open; then nothing has changed.
 */
export async function detachVolume(nameOrId: string, deps: AttachDeps): Promise<KeptAttachment> {
  const { api, connectors, kept, host, tell } = deps
  const note = kept.find(nameOrId, host)
  if (!note) throw errors.NotAttached({ volume: nameOrId, host })
  const volume = note.volumeName ?? note.volumeId
  const id = note.attachmentId ?? (await unnoted(note, api))?.id
  if (note.connection) {
    tell(`flushing and disconnecting ${volume}: ${placeOf(note.connection)}`)
    const connector = await connectors.of(note.connection.driver_volume_type)
    await connector.detach(note.connection).catch((error: unknown) => {
      if (!isDriverError(error) || error.kind !== 'busy') throw error
      throw errors.InUse({ volume, reason: error.message }, error)
    })
  }
  if (id) await api.detach(id)
  kept.forget(note)
  return note
}
