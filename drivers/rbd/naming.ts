import { randomBytes } from 'node:crypto'
import { DriverError } from '@hearth/driver'

/**
 * A volume or snapshot has a name without dots; what has a dot in it is ours for a while: parts on their way to becoming
 * a volume, and snapshots that exist only while a clone is made.
 */
const proper = /^[A-Za-z0-9][\w-]{0,199}$/

/** Throws `invalid` for a name that could not be an image's or that would be taken for something else. */
export function checkName(name: string): void {
  if (!proper.test(name)) {
    const shown = JSON.stringify(name.slice(0, 60))
    throw new DriverError('invalid', `${shown} cannot be a name in a pool: letters, digits, _ and - only, 200 at most`)
  }
}

export function checkSize(sizeGiB: number): void {
  if (!Number.isSafeInteger(sizeGiB) || sizeGiB <= 0) {
    throw new DriverError('invalid', `A size of ${sizeGiB} GiB is not a whole number above zero`)
  }
}

export const isVolumeName = (name: string): boolean => proper.test(name) && name.startsWith('volume-')
export const isSnapshotName = (name: string): boolean => proper.test(name) && name.startsWith('snapshot-')

const passing = /\.(?:part|clone)\.([0-9a-z]{6,12})\.[0-9a-f]{12}$/

/** A name that no other process takes, with the moment in it. */
export function passingName(name: string, what: 'part' | 'clone'): string {
  return `${name}.${what}.${Date.now().toString(36)}.${randomBytes(6).toString('hex')}`
}

/** Milliseconds since the name was made; null when it is not one of `passingName`. */
export function ageOf(name: string): number | null {
  const found = passing.exec(name)
  return found ? Date.now() - Number.parseInt(found[1]!, 36) : null
}

/** The volume that a part is to become; null for every other name. */
export function wholeOf(part: string): string | null {
  return ageOf(part) !== null && part.includes('.part.') ? part.slice(0, part.indexOf('.')) : null
}

/** Upstream's temporary snapshots, and its volumes that wait for their clones. */
export const isUpstreamRemnant = (name: string): boolean => /\.(clone_snap|deleted)$/.test(name)
