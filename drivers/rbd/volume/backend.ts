import { type DriverDeps, DriverError, type VolumeRef } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { codeOf, removeImage, withImage } from '../ceph/librbd.ts'
import { checkName, checkSize, passingName } from '../ceph/naming.ts'
import type { Remembered } from '../ceph/remembered.ts'
import { idOf, renameImage } from '../ceph/renaming.ts'
import type { Session } from '../ceph/session.ts'
import type { VolumeOptions } from './options.ts'

export const gib = 1024 ** 3

/** State that all operations of the volume driver share. */
export interface Backend {
  options: VolumeOptions
  log: DriverDeps['log']
  session: Session
  /** Throws `no-space` when the pool cannot take more. */
  ensureRoom(pool: Pool, name: string): Promise<void>
  /** Cache of facts about snapshots that many volumes are cloned from. */
  parents: Remembered<ParentInfo>
}

export interface ParentInfo {
  sizeBytes: number
  /** True when one more clone would exceed the longest chain of parents. */
  tooDeep: boolean
}

/** Returns the size of an image in bytes; null when the image does not exist. */
export async function sizeOf(pool: Pool, name: string): Promise<number | null> {
  return found(withImage(pool, name, { readOnly: true }, (image) => image.sizeBytes()))
}

/** Returns the result of `work`; null when its image or snapshot does not exist. */
export function found<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
}

/** Returns the error `not-found` for an image or snapshot of a pool. */
export function notFound(pool: Pool, name: string): DriverError {
  return new DriverError('not-found', `There is no ${name} in the pool ${pool.name}`)
}

/** Throws `aborted` when the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined, name: string): void {
  if (signal?.aborted) throw new DriverError('aborted', `The work on ${name} was aborted`)
}

/**
 * Creates a volume: `build` writes an image under a temporary name, which is renamed when it is complete. The volume
 * exists whole or not at all, even when two processes create it at once. Keeps a volume that exists already.
 */
export async function make(
  backend: Backend,
  pool: Pool,
  task: { volume: VolumeRef; signal?: AbortSignal | undefined; build(part: string): Promise<void> },
): Promise<void> {
  const { volume, signal, build } = task
  if (await isThere(pool, volume)) return
  stopIfAborted(signal, volume.name)
  await backend.ensureRoom(pool, volume.name)
  const part = passingName(volume.name, 'part')
  try {
    await build(part)
    stopIfAborted(signal, volume.name)
    await renameImage(pool, part, volume.name)
  } catch (error) {
    await removeImage(pool, part).catch((left: unknown) => {
      if (codeOf(left) !== 'ENOENT') backend.log.warn({ err: left, image: part }, 'a part stays until it is swept away')
    })
    if (codeOf(error) === 'EEXIST' && (await isThere(pool, volume))) return
    throw error
  }
}

async function isThere(pool: Pool, volume: VolumeRef): Promise<boolean> {
  checkName(volume.name)
  checkSize(volume.sizeGiB)
  // Reading the name's object takes a tenth of the time of opening an image that does not exist.
  if ((await idOf(pool, volume.name)) === null) return false
  const present = await sizeOf(pool, volume.name)
  if (present === null) return false
  if (present >= volume.sizeGiB * gib) return true
  throw new DriverError('invalid', `${volume.name} is there already with ${present} bytes`)
}
