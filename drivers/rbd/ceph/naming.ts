import { randomBytes } from 'node:crypto'
import { DriverError } from '@hearth/driver'

/**
 * Names of volumes and snapshots have no dot. The driver's temporary names have one: unfinished images (`part`) that
 * will become a volume, and snapshots that exist only while a clone is made.
 */
const proper = /^[A-Za-z0-9][\w-]{0,199}$/

/** Throws `invalid` for a name that an image cannot have or that could be mistaken for a temporary one. */
export function checkName(name: string): void {
  if (!proper.test(name)) {
    const shown = JSON.stringify(name.slice(0, 60))
    throw new DriverError('invalid', `${shown} cannot be a name in a pool: letters, digits, _ and - only, 200 at most`)
  }
}

/** Throws `invalid` when the size is not a whole number of GiB above zero. */
export function checkSize(sizeGiB: number): void {
  if (!Number.isSafeInteger(sizeGiB) || sizeGiB <= 0) {
    throw new DriverError('invalid', `A size of ${sizeGiB} GiB is not a whole number above zero`)
  }
}

/** True for the name of a volume: `volume-…`. */
export const isVolumeName = (name: string): boolean => proper.test(name) && name.startsWith('volume-')
/** True for the name of a snapshot: `snapshot-…`. */
export const isSnapshotName = (name: string): boolean => proper.test(name) && name.startsWith('snapshot-')

const passing = /\.(?:part|clone)\.([0-9a-z]{6,12})\.[0-9a-f]{12}$/

/** Returns a temporary name that no other process uses; it holds the time of the call and random digits. */
export function passingName(name: string, what: 'part' | 'clone'): string {
  return `${name}.${what}.${Date.now().toString(36)}.${randomBytes(6).toString('hex')}`
}

/** Returns the milliseconds since `passingName` made the name; null for every other name. */
export function ageOf(name: string): number | null {
  const found = passing.exec(name)
  return found ? Date.now() - Number.parseInt(found[1]!, 36) : null
}

/** Returns the name of the volume that an unfinished image will become; null for every other name. */
export function wholeOf(part: string): string | null {
  return ageOf(part) !== null && part.includes('.part.') ? part.slice(0, part.indexOf('.')) : null
}

/** True for upstream's temporary snapshots, and for its deleted volumes that still have clones. */
export const isUpstreamRemnant = (name: string): boolean => /\.(clone_snap|deleted)$/.test(name)
