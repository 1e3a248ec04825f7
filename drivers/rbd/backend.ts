import { type DriverDeps, DriverError, type VolumeRef } from '@hearth/driver'
import type { Pool } from './librados.ts'
import { codeOf, removeImage, withImage } from './librbd.ts'
import { checkName, checkSize, passingName } from './naming.ts'
import type { Remembered } from './remembered.ts'
import { idOf, renameImage } from './renaming.ts'
import type { Session } from './session.ts'
import type { VolumeOptions } from './volume-options.ts'

export const gib = 1024 ** 3

/** What the parts of the volume driver share. */
export interface Backend {
  options: VolumeOptions
  log: DriverDeps['log']
  session: Session
  /** Throws `no-space` when the pool cannot take more. */
  ensureRoom(pool: Pool, name: string): Promise<void>
  /** Of snapshots that many volumes are made of. */
  parents: Remembered<ParentInfo>
}

export interface ParentInfo {
  sizeBytes: number
  /** One more clone would make the chain of parents longer than it may be. */
  tooDeep: boolean
}

/** Bytes; null when there is no such image. */
export async function sizeOf(pool: Pool, name: string): Promise<number | null> {
  return found(withImage(pool, name, { readOnly: true }, (image) => image.sizeBytes()))
}

/** The answer, or null when what it was about is not there. */
export function found<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
}

export function notFound(pool: Pool, name: string): DriverError {
  return new DriverError('not-found', `There is no ${name} in the pool ${pool.name}`)
}

export function stopIfAborted(signal: AbortSignal | undefined, name: string): void {
  if (signal?.aborted) throw new DriverError('aborted', `The work on ${name} was aborted`)
}

/**
 * Makes a volume by `build`, which is handed another name: the volume is there when the image has got its own, whole or
 * not at all, whoever else makes it at the same time. One that is there already is kept.
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
  // Looking for the name costs a tenth of opening what is not there.
  if ((await idOf(pool, volume.name)) === null) return false
  const present = await sizeOf(pool, volume.name)
  if (present === null) return false
  if (present >= volume.sizeGiB * gib) return true
  throw new DriverError('invalid', `${volume.name} is there already with ${present} bytes`)
}
