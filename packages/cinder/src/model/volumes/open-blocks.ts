import {
  type Address,
  type Blocks,
  bytesOf,
  type Chap,
  type Connection,
  DriverError,
  newChap,
  openBlocks,
  type SnapshotRef,
  snapshotBytesOf,
  type VolumeRef,
} from '@hearth/driver'
import type { Backend } from '../backends.ts'

/**
 * Opens the bytes of a volume that is not attached. If the storage is on another host, the volume is exported and
 * opened as initiators do it; closing the blocks removes that export. Throws DriverError.
 */
export async function openVolumeBlocks(backend: Backend, volume: VolumeRef, mode: 'r' | 'rw'): Promise<Blocks> {
  if (!backend.isRemote || backend.volume.openVolume) return bytesOf(backend.volume, volume, { mode })
  const connection = await backend.volume.connection(volume)
  if (connection.kind === 'network') return openConnectionBlocks(connection, mode)
  return openExported(backend, volume, connection, mode)
}

/** Returns true if snapshots of the backend can be read directly, without creating a volume from them. */
export function canReadSnapshots({ volume, isRemote }: Backend): boolean {
  return volume.openSnapshot !== undefined || (volume.snapshotAddress !== undefined && !isRemote)
}

/**
 * Opens the bytes of a snapshot. Throws DriverError `unsupported` unless `canReadSnapshots` is true for the backend.
 */
export async function openSnapshotBlocks(backend: Backend, snapshot: SnapshotRef): Promise<Blocks> {
  const blocks = canReadSnapshots(backend) ? await snapshotBytesOf(backend.volume, snapshot) : null
  if (blocks) return blocks
  throw new DriverError('unsupported', `backend ${backend.name} cannot read snapshots directly`)
}

/**
 * Opens a network connection. Throws DriverError `unsupported` for types other than iSCSI, such as those with a mount.
 */
export function openConnectionBlocks(
  connection: Extract<Connection, { kind: 'network' }>,
  mode: 'r' | 'rw',
): Promise<Blocks> {
  const { driver_volume_type: type, data } = connection
  if (type === 'iscsi') return openIscsi(portalOf(data), mode)
  throw new DriverError('unsupported', `volumes of another host cannot be read over ${type}`)
}

interface IscsiTarget {
  portal: string
  iqn: string
  lun: number
  chap: Chap | null
}

/** Reads the iSCSI target from a connection's data, which has os-brick's keys. */
function portalOf(data: Record<string, unknown>): IscsiTarget {
  const { target_portal, target_iqn, target_lun, auth_username, auth_password } = data
  const chap = auth_username ? { username: String(auth_username), password: String(auth_password) } : null
  return { portal: String(target_portal), iqn: String(target_iqn), lun: Number(target_lun), chap }
}

async function openExported(
  { export: exporter, name }: Backend,
  volume: VolumeRef,
  device: Extract<Connection, { kind: 'device' }>,
  mode: 'r' | 'rw',
): Promise<Blocks> {
  if (!exporter) throw new DriverError('unsupported', `backend ${name} has no export driver for its devices`)
  // Reusing the export would share another session's credentials, and closing it here would end that session.
  if ((await exporter.list()).includes(volume.name))
    throw new DriverError(
      'busy',
      `${volume.name} is exported: it cannot be read from another host until it is detached`,
    )
  const { path, sizeBytes, blockSize } = device
  const chap = newChap()
  const { portals, iqn, lun } = await exporter.create({ name: volume.name, path, sizeBytes, blockSize, chap })
  try {
    const blocks = await openIscsi({ portal: portals[0]!, iqn, lun, chap }, mode)
    const close = async (): Promise<void> => {
      await blocks.close()
      await exporter.remove(volume.name)
    }
    return { ...blocks, close }
  } catch (error) {
    await exporter.remove(volume.name)
    throw error
  }
}

/** Initiator name that qemu and this role use when they open a target themselves. */
export const initiator = 'iqn.2010-10.org.openstack:hearth-bytes'

function openIscsi({ portal, iqn, lun, chap }: IscsiTarget, mode: 'r' | 'rw'): Promise<Blocks> {
  const file: Record<string, unknown> = {
    ...{ driver: 'iscsi', transport: 'tcp', portal, target: iqn, lun, 'initiator-name': initiator },
    ...(chap && { user: chap.username, 'password-secret': 'chap' }),
  }
  const address: Address = { filename: `json:${JSON.stringify({ driver: 'raw', file })}`, format: 'raw' }
  return openBlocks(address, { mode, ...(chap && { secrets: { chap: chap.password } }) })
}
