import type { Chap } from '@hearth/driver'
import { listAttachments } from '../../model/attachments/store.ts'
import { readMetadata, type VolumeRow, volumeRef } from '../../model/volumes/store.ts'
import type { BackendDeps } from '../deps.ts'

/** Returns the CHAP credentials in `provider_auth` (`CHAP user password`); null if there are none. */
export function readChap(volume: VolumeRow): Chap | null {
  const [method, username, password] = volume.provider_auth?.split(' ') ?? []
  return method === 'CHAP' && username && password ? { username, password } : null
}

/**
 * Returns the initiators of all connections of the volume. `without` leaves out one attachment, or the legacy
 * connection if it is null.
 */
export async function listInitiators(
  volume: VolumeRow,
  { database }: BackendDeps,
  { without }: { without?: string | null } = {},
): Promise<string[]> {
  const attachments = await listAttachments(database.query, { volume_id: volume.id })
  const connectors = attachments
    .filter((one) => one.connection_info !== null && one.connector !== null && one.id !== without)
    .map((one) => JSON.parse(one.connector!) as { initiator?: unknown })
  const { legacy_initiator } = await readMetadata(database.query, volume.id, 'admin')
  const legacy = without === null ? undefined : legacy_initiator
  const named = [...connectors.map(({ initiator }) => initiator), legacy]
  return [...new Set(named.filter((initiator) => typeof initiator === 'string'))]
}

/** Exports a volume with its saved credentials, for these initiators if the export driver restricts initiators. */
export async function exportVolume(volume: VolumeRow, initiators: string[], { backend }: BackendDeps): Promise<void> {
  const connection = await backend.volume.connection(volumeRef(volume))
  if (connection.kind !== 'device') return
  const { path, sizeBytes, blockSize } = connection
  const allowed = backend.export?.perInitiator ? { initiators } : {}
  const { name } = volumeRef(volume)
  await backend.export?.create({ name, path, sizeBytes, blockSize, chap: readChap(volume), ...allowed })
}
