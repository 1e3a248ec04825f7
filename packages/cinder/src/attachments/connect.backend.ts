import { randomBytes } from 'node:crypto'
import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { type Chap, DriverError, iscsiConnection, isDriverError } from '@hearth/driver'
import { errors } from '../errors.ts'
import type { BackendDeps } from '../volumes/backend-deps.ts'
import {
  getVolume,
  lockVolume,
  readMetadata,
  updateVolume,
  type VolumeRow,
  volumeRef,
  writeMetadata,
} from '../volumes/store.ts'
import { attachmentStates } from './states.ts'
import { type Connector, deleteAttachmentRow, findAttachment, listAttachments } from './store.ts'
import { settleVolume } from './volume-status.ts'

interface ConnectInput {
  volumeId: string
  attachmentId: string | null
  connector: Connector
  mode: string | null
}

/**
 * Offers the volume to a connector and answers the nested connection_info. With an attachment, the attachment and the
 * volume become `attaching` in the same transaction that keeps the connection. Throws InvalidInput (400), BackendFailure.
 */
export async function connectVolume(
  _context: MessageContext,
  input: ConnectInput,
  deps: BackendDeps,
): Promise<Record<string, unknown>> {
  return deps.locks.run(input.volumeId, async () => {
    const volume = await getVolume(deps.database.query, input.volumeId)
    const isNew = (await connectedCount(deps, volume)) === 0
    const chap = readChap(volume) ?? newChap()
    const connection = await openConnection(volume, input.connector, chap, deps).catch((error: unknown) => {
      throw asApiError(error)
    })
    const info = await decorate(volume, connection, input, deps)
    try {
      await deps.database.transaction((tx) => keepConnection(tx, volume, chap, info, input))
    } catch (error) {
      if (isNew) await deps.backend.export?.remove(volumeRef(volume).name).catch(() => undefined)
      throw error
    }
    return info
  })
}

type Info = { driver_volume_type: string; data: Record<string, unknown> }

async function openConnection(volume: VolumeRow, connector: Connector, chap: Chap, deps: BackendDeps): Promise<Info> {
  const { volume: driver, export: exporter } = deps.backend
  const ref = volumeRef(volume)
  const reached = await driver.connection(ref)
  if (reached.kind === 'network') return { driver_volume_type: reached.driver_volume_type, data: reached.data }
  if (!exporter) throw new DriverError('unsupported', 'this backend has nothing to offer its devices with')
  if (typeof connector.initiator !== 'string')
    throw errors.InvalidInput({ reason: 'Connector is missing its initiator.' })
  const { path, sizeBytes, blockSize } = reached
  const exported = await exporter.create({ name: ref.name, path, sizeBytes, blockSize, chap })
  const multipath = connector.multipath === true
  const { driver_volume_type, data } = iscsiConnection(exported, { volumeId: volume.id, multipath })
  return { driver_volume_type, data }
}

/** Adds what every connection carries besides the driver's own data. */
async function decorate(volume: VolumeRow, info: Info, input: ConnectInput, deps: BackendDeps): Promise<Info> {
  const admin = await readMetadata(deps.database.query, volume.id, 'admin')
  const readonly = admin.readonly === 'True' || input.mode === 'ro'
  return {
    driver_volume_type: info.driver_volume_type,
    data: {
      ...info.data,
      qos_specs: null,
      access_mode: admin.attached_mode ?? (readonly ? 'ro' : 'rw'),
      encrypted: volume.encryption_key_id !== null,
      cacheable: false,
      enforce_multipath: false,
    },
  }
}

async function keepConnection(
  tx: Transaction,
  volume: VolumeRow,
  chap: Chap,
  info: Info,
  input: ConnectInput,
): Promise<void> {
  const { attachmentId, connector, mode } = input
  const locked = await lockVolume(tx, volume.id)
  const provider_auth = `CHAP ${chap.username} ${chap.password}`
  if (locked.provider_auth !== provider_auth) await updateVolume(tx, volume.id, { provider_auth })
  if (attachmentId === null) return
  const set = {
    connector: JSON.stringify(connector),
    connection_info: JSON.stringify(info),
    attach_mode: mode ?? (info.data.access_mode as string),
    attached_host: typeof connector.host === 'string' ? connector.host : null,
    mountpoint: typeof connector.mountpoint === 'string' ? connector.mountpoint : null,
  }
  const states = attachmentStates
  const moved = await move(tx, { table: 'attachments', id: attachmentId, to: 'attaching', states, set })
  if (!moved) throw errors.VolumeAttachmentNotFound({ filter: `attachment_id = ${attachmentId}` })
  await writeMetadata(tx, volume.id, 'admin', { attached_mode: set.attach_mode })
  await settleVolume(tx, locked)
}

/** Takes an attachment, or the legacy connection, away; the export goes with the last one. */
export async function disconnectVolume(
  _context: MessageContext,
  input: { volumeId: string; attachmentId: string | null },
  deps: BackendDeps,
): Promise<null> {
  return deps.locks.run(input.volumeId, async () => {
    const volume = await getVolume(deps.database.query, input.volumeId)
    const others = await connectedCount(deps, volume, input.attachmentId)
    if (others === 0) {
      await deps.backend.export?.remove(volumeRef(volume).name).catch((error: unknown) => {
        throw asApiError(error)
      })
    }
    if (input.attachmentId === null) return null
    const attachmentId = input.attachmentId
    await deps.database.transaction(async (tx) => {
      const locked = await lockVolume(tx, volume.id)
      if (!(await findAttachment(tx, attachmentId))) return
      await deleteAttachmentRow(tx, attachmentId)
      await settleVolume(tx, locked)
    })
    return null
  })
}

/** How many attachments other than this one use the export. */
async function connectedCount(deps: BackendDeps, volume: VolumeRow, except: string | null = null): Promise<number> {
  const attachments = await listAttachments(deps.database.query, { volume_id: volume.id })
  return attachments.filter((one) => one.connection_info !== null && one.id !== except).length
}

/** The credentials kept in `provider_auth`: `CHAP user password`. */
export function readChap(volume: VolumeRow): Chap | null {
  const [method, username, password] = volume.provider_auth?.split(' ') ?? []
  return method === 'CHAP' && username && password ? { username, password } : null
}

/** Lengths that every initiator takes (RFC 7143 asks for at least 96 bits, some stop at 16 characters). */
function newChap(): Chap {
  return { username: randomBytes(10).toString('hex'), password: randomBytes(8).toString('hex') }
}

function asApiError(error: unknown): unknown {
  if (!isDriverError(error)) return error
  if (error.kind === 'invalid') return errors.InvalidInput({ reason: error.message }, error)
  return errors.BackendFailure({ reason: error.message }, error)
}
