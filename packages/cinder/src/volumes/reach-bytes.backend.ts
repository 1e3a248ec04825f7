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
 * Opens the bytes of a volume that nobody has attached. Storage of another host is reached as its initiators reach it: by an
 * export of its own, which goes when the blocks are closed. Throws DriverError.
 */
export async function reachBytes(backend: Backend, volume: VolumeRef, mode: 'r' | 'rw'): Promise<Blocks> {
  if (!backend.remote || backend.volume.openVolume) return bytesOf(backend.volume, volume, { mode })
  const reached = await backend.volume.connection(volume)
  if (reached.kind === 'network') return openConnected(reached, mode)
  return openExported(backend, volume, reached, mode)
}

/** Whether snapshots can be read as they are, without making a volume of them. */
export function readsSnapshots({ volume, remote }: Backend): boolean {
  return volume.openSnapshot !== undefined || (volume.snapshotAddress !== undefined && !remote)
}

/** Opens the bytes of a snapshot of a backend that `readsSnapshots`. Throws DriverError `unsupported` for others. */
export async function reachSnapshot(backend: Backend, snapshot: SnapshotRef): Promise<Blocks> {
  const blocks = readsSnapshots(backend) ? await snapshotBytesOf(backend.volume, snapshot) : null
  if (blocks) return blocks
  throw new DriverError('unsupported', `backend ${backend.name} does not let snapshots be read`)
}

/** By the address of a connection that needs no export. Throws DriverError `unsupported` for kinds that need a mount. */
export function openConnected(connection: Extract<Connection, { kind: 'network' }>, mode: 'r' | 'rw'): Promise<Blocks> {
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

/** The target of a connection in os-brick's words. */
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
  if (!exporter) throw new DriverError('unsupported', `backend ${name} has nothing to offer its devices with`)
  // Its credentials, and its end, would be those of sessions that are none of ours.
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

/** Who qemu says it is at a target that is told no initiator's name. */
export const initiator = 'iqn.2010-10.org.openstack:hearth-bytes'

function openIscsi({ portal, iqn, lun, chap }: IscsiTarget, mode: 'r' | 'rw'): Promise<Blocks> {
  const file: Record<string, unknown> = {
    ...{ driver: 'iscsi', transport: 'tcp', portal, target: iqn, lun, 'initiator-name': initiator },
    ...(chap && { user: chap.username, 'password-secret': 'chap' }),
  }
  const address: Address = { filename: `json:${JSON.stringify({ driver: 'raw', file })}`, format: 'raw' }
  return openBlocks(address, { mode, ...(chap && { secrets: { chap: chap.password } }) })
}
