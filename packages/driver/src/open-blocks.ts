import { isAbsolute } from 'node:path'
import type { Blocks } from './blocks.ts'
import { DriverError } from './errors.ts'
import { openFileBlocks } from './open-blocks-file.ts'
import type { OpenBlocks } from './open-blocks-options.ts'
import { openServedBlocks } from './open-blocks-served.ts'
import { quietLog } from './quiet-log.ts'
import { openRunner } from './runner.ts'
import type { Address, SnapshotRef, VolumeDriver, VolumeRef } from './volume.ts'

/**
 * Opens the bytes at an address of this host: a raw file or device directly, other addresses (qcow2, `rbd:…`,
 * `json:{…}`) through a qemu-nbd that ends with its only client. Throws DriverError `not-found`, `unavailable`,
 * `unsupported`.
 */
export function openBlocks(address: Address, options: OpenBlocks): Promise<Blocks> {
  const run = options.run ?? openRunner({ log: quietLog })
  if (isLocalFile(address)) return openFileBlocks(address.filename, options.mode, run)
  return openServedBlocks(address, { ...options, run })
}

/** True for a raw file or device that any program of this host can open by its path. */
export function isLocalFile(address: Address): boolean {
  return address.format === 'raw' && isAbsolute(address.filename)
}

type BytesDriver = Pick<VolumeDriver, 'address' | 'snapshotAddress' | 'openVolume' | 'openSnapshot'>

/** Opens the bytes of a volume in the way its driver prefers. Throws DriverError `unsupported` when it has no way. */
export async function bytesOf(driver: BytesDriver, volume: VolumeRef, options: OpenBlocks): Promise<Blocks> {
  if (driver.openVolume) return driver.openVolume(volume, options.mode)
  if (driver.address) return openBlocks(await driver.address(volume), options)
  throw new DriverError('unsupported', `The driver does not let the bytes of ${volume.name} be read or written`)
}

/** Opens the bytes of a snapshot for reading, without making a volume; null when the driver cannot do that. */
export async function snapshotBytesOf(
  driver: BytesDriver,
  snapshot: SnapshotRef,
  options: Omit<OpenBlocks, 'mode'> = {},
): Promise<Blocks | null> {
  if (driver.openSnapshot) return driver.openSnapshot(snapshot)
  if (driver.snapshotAddress) return openBlocks(await driver.snapshotAddress(snapshot), { ...options, mode: 'r' })
  return null
}
