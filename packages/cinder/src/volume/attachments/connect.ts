import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { type Chap, DriverError, iscsiConnection, isDriverError, newChap } from '@hearth/driver'
import { attachmentStates } from '../../model/attachments/states.ts'
import { type Connector, deleteAttachmentRow, findAttachment, listAttachments } from '../../model/attachments/store.ts'
import { syncVolumeStatus } from '../../model/attachments/volume-status.ts'
import { errors } from '../../model/errors.ts'
import {
  deleteMetadata,
  getVolume,
  lockVolume,
  updateVolume,
  type VolumeRow,
  volumeRef,
  writeMetadata,
} from '../../model/volumes/store.ts'
import type { BackendDeps } from '../deps.ts'
import { type ConnectionInfo, withSharedData } from './connection-data.ts'
import { exportVolume, listInitiators, readChap } from './export.ts'

interface ConnectInput {
  volumeId: string
  attachmentId: string | null
  connector: Connector
  mode: string | null
}

/**
 * Exports the volume to a connector and returns the nested connection_info. With an attachment, the transaction that
 * saves the connection also sets the attachment and the volume to `attaching`. Throws InvalidInput (400),
 * BackendFailure (500).
 */
export async function connectVolume(
  _context: MessageContext,
  input: ConnectInput,
  deps: BackendDeps,
): Promise<Record<string, unknown>> {
  return deps.withLock(input.volumeId, async () => {
    const volume = await getVolume(deps.database.query, input.volumeId)
    const isNew = (await countConnected(deps, volume)) === 0
    const chap = readChap(volume) ?? newChap()
    const connection = await openConnection(volume, input, chap, deps).catch((error: unknown) => {
      throw asApiError(error)
    })
    const request = { connector: input.connector, mode: input.mode }
    const info = await withSharedData(deps.database.query, {
      ...{ volume, request, info: connection, backend: deps.backend },
    })
    try {
      await deps.database.transaction((tx) => saveConnection(tx, volume, chap, info, input))
    } catch (error) {
      if (isNew) await deps.backend.export?.remove(volumeRef(volume).name).catch(() => undefined)
      throw error
    }
    return info
  })
}

async function openConnection(
  volume: VolumeRow,
  { connector, attachmentId }: ConnectInput,
  chap: Chap,
  deps: BackendDeps,
): Promise<ConnectionInfo> {
  const { volume: driver, export: exporter } = deps.backend
  const ref = volumeRef(volume)
  const connection = await driver.connection(ref, connector)
  if (connection.kind === 'network') {
    const { kind: _kind, ...info } = connection
    return info
  }
  if (!exporter) throw new DriverError('unsupported', 'this backend has no export driver for its devices')
  if (typeof connector.initiator !== 'string')
    throw errors.InvalidInput({ reason: 'Connector is missing its initiator.' })
  const others = await listInitiators(volume, deps, { without: attachmentId })
  const { path, sizeBytes, blockSize } = connection
  const initiators = [...new Set([...others, connector.initiator])]
  const allowed = exporter.perInitiator ? { initiators } : {}
  const exported = await exporter.create({ name: ref.name, path, sizeBytes, blockSize, chap, ...allowed })
  const multipath = connector.multipath === true
  const { driver_volume_type, data } = iscsiConnection(exported, { volumeId: volume.id, multipath })
  return { driver_volume_type, data }
}

async function saveConnection(
  tx: Transaction,
  volume: VolumeRow,
  chap: Chap,
  info: ConnectionInfo,
  input: ConnectInput,
): Promise<void> {
  const { attachmentId, connector, mode } = input
  const locked = await lockVolume(tx, volume.id)
  const provider_auth = `CHAP ${chap.username} ${chap.password}`
  if (locked.provider_auth !== provider_auth) await updateVolume(tx, volume.id, { provider_auth })
  if (attachmentId === null) {
    if (typeof connector.initiator === 'string') {
      await writeMetadata(tx, volume.id, 'admin', { legacy_initiator: connector.initiator })
    }
    return
  }
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
  await syncVolumeStatus(tx, locked)
}

/** Deletes an attachment, or the legacy connection if none is named. Removes the export with the last attachment. */
export async function disconnectVolume(
  _context: MessageContext,
  input: { volumeId: string; attachmentId: string | null },
  deps: BackendDeps,
): Promise<null> {
  return deps.withLock(input.volumeId, async () => {
    const volume = await getVolume(deps.database.query, input.volumeId)
    await removeFromExport(volume, input.attachmentId, deps).catch((error: unknown) => {
      throw asApiError(error)
    })
    if (input.attachmentId === null) {
      await deleteMetadata(deps.database.query, volume.id, 'admin', 'legacy_initiator')
      return null
    }
    const attachmentId = input.attachmentId
    await deps.database.transaction(async (tx) => {
      const locked = await lockVolume(tx, volume.id)
      if (!(await findAttachment(tx, attachmentId))) return
      await deleteAttachmentRow(tx, attachmentId)
      await syncVolumeStatus(tx, locked)
    })
    return null
  })
}

/**
 * Removes the export if no other attachment uses it; otherwise removes only the initiator of this attachment from it.
 */
async function removeFromExport(volume: VolumeRow, attachmentId: string | null, deps: BackendDeps): Promise<void> {
  const exporter = deps.backend.export
  if (!exporter) return
  if ((await countConnected(deps, volume, attachmentId)) === 0) return exporter.remove(volumeRef(volume).name)
  const initiators = await listInitiators(volume, deps, { without: attachmentId })
  if (exporter.perInitiator && initiators.length > 0) await exportVolume(volume, initiators, deps)
}

/** Returns the number of attachments other than `except` that use the export. */
async function countConnected(deps: BackendDeps, volume: VolumeRow, except: string | null = null): Promise<number> {
  const attachments = await listAttachments(deps.database.query, { volume_id: volume.id })
  return attachments.filter((one) => one.connection_info !== null && one.id !== except).length
}

function asApiError(error: unknown): unknown {
  if (!isDriverError(error)) return error
  if (error.kind === 'invalid') return errors.InvalidInput({ reason: error.message }, error)
  return errors.BackendFailure({ reason: error.message }, error)
}
