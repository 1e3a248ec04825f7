import { readFile } from 'node:fs/promises'
import { type Address, type Connection, DriverError, type SnapshotRef, type VolumeRef } from '@hearth/driver'
import { withImage } from '../ceph/librbd.ts'
import { checkName } from '../ceph/naming.ts'
import { idOf } from '../ceph/renaming.ts'
import { type Backend, found, notFound, sizeOf } from './backend.ts'
import type { VolumeOptions } from './options.ts'
import { ensureShareable } from './sharing.ts'

interface MonitorMap {
  mons: { public_addrs: { addrvec: { type: string; addr: string }[] } }[]
}

/** Returns the connection of a volume, with upstream's keys of type `rbd` for os-brick and libvirt. */
export async function connectionOf(backend: Backend, volume: VolumeRef): Promise<Connection> {
  checkName(volume.name)
  const { options, session } = backend
  return session.use(async (pool) => {
    const isThere = (await idOf(pool, volume.name)) !== null || (await sizeOf(pool, volume.name)) !== null
    if (!isThere) throw notFound(pool, volume.name)
    await ensureShareable(pool, volume)
    const map = await pool.cluster.command<MonitorMap>({ prefix: 'mon dump' })
    const monitors = map.mons.map(({ public_addrs }) => splitAddress(public_addrs.addrvec))
    const data = {
      name: `${pool.name}/${volume.name}`,
      hosts: monitors.map(({ host }) => host),
      ports: monitors.map(({ port }) => port),
      cluster_name: options.clusterName,
      auth_enabled: true,
      auth_username: options.user,
      secret_type: 'ceph',
      secret_uuid: options.secretUuid ?? (await pool.cluster.fsid()),
      volume_id: volume.id,
      discard: true,
      ...(options.keyringFile ? { keyring: await readKeyring(options.keyringFile) } : {}),
    }
    return { kind: 'network', driver_volume_type: 'rbd', data }
  })
}

/**
 * Returns a monitor's host and port, of the first protocol (v1) where it has one: os-brick writes no protocol, and
 * every client speaks v1.
 */
function splitAddress(addresses: { type: string; addr: string }[]): { host: string; port: string } {
  const { addr } = addresses.find(({ type }) => type === 'v1') ?? addresses[0]!
  const colon = addr.lastIndexOf(':')
  return { host: addr.slice(0, colon), port: addr.slice(colon + 1) }
}

async function readKeyring(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new DriverError('invalid', `keyringFile ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** Returns qemu's address of a volume. Throws `not-found`. */
export async function addressOfVolume({ options, session }: Backend, volume: VolumeRef): Promise<Address> {
  checkName(volume.name)
  return session.use(async (pool) => {
    if ((await sizeOf(pool, volume.name)) === null) throw notFound(pool, volume.name)
    return { filename: qemuFilename(options, volume.name), format: 'raw' }
  })
}

/** Returns qemu's address of a snapshot. Throws `not-found`. */
export async function addressOfSnapshot(
  { options, session }: Backend,
  { name, volume }: SnapshotRef,
): Promise<Address> {
  checkName(name)
  checkName(volume.name)
  return session.use(async (pool) => {
    const size = await found(
      withImage(pool, volume.name, { readOnly: true, snapshot: name }, (image) => image.sizeBytes()),
    )
    if (size === null) throw notFound(pool, `${volume.name}@${name}`)
    return { filename: qemuFilename(options, volume.name, name), format: 'raw' }
  })
}

/** Returns qemu's `rbd:pool/image@snapshot:key=value…`; a backslash escapes `: @ = / \`. */
function qemuFilename(
  { pool, user, conf }: Pick<VolumeOptions, 'pool' | 'user' | 'conf'>,
  image: string,
  snapshot?: string,
): string {
  const quoted = (text: string) => text.replaceAll(/[\\:@=/]/g, (character) => `\\${character}`)
  const path = `${quoted(pool)}/${quoted(image)}${snapshot === undefined ? '' : `@${quoted(snapshot)}`}`
  return `rbd:${path}:id=${quoted(user)}${conf === undefined ? '' : `:conf=${quoted(conf)}`}`
}
