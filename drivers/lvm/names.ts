import { DriverError } from '@hearth/driver'

/** Parts of names that LVM reserves for its own hidden volumes (lvm(8), VALID NAMES). */
const reserved =
  /_(cdata|cmeta|corig|cvol|mlog|mimage|pmspare|rimage|rmeta|tdata|tmeta|vdata|vorigin|imeta|iorig|wcorig)/

/**
 * Returns the logical volume's name for a volume or snapshot, as upstream Cinder names it: LVM reserves names that
 * begin with `snapshot`. Throws `invalid` for names other than `volume-…` and `snapshot-…`: this driver owns no other
 * volumes.
 */
export function logicalName(name: string): string {
  if (!/^(volume|snapshot)-[A-Za-z0-9_.+-]+$/.test(name) || name.length > 110 || reserved.test(name)) {
    throw new DriverError('invalid', `${JSON.stringify(name)} cannot name a logical volume: volume-… or snapshot-…`)
  }
  return name.startsWith('snapshot') ? `_${name}` : name
}

/** The inverse of `logicalName`: the name that callers use. Works for any logical volume. */
export function plainName(logical: string): string {
  return logical.startsWith('_snapshot') ? logical.slice(1) : logical
}

/** True for the logical name of a volume. */
export function isVolumeName(logical: string): boolean {
  return /^volume-./.test(logical)
}

/** True for the logical name of a snapshot. */
export function isSnapshotName(logical: string): boolean {
  return /^_snapshot-./.test(logical)
}

/**
 * Returns the name in a reference of `manage`. Throws `invalid` unless LVM allows it; a leading dash would be an
 * option.
 */
export function referenceName(reference: { name: string }): string {
  if (!/^[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}$/.test(reference.name)) {
    throw new DriverError('invalid', `${JSON.stringify(reference.name)} is not a valid name of a logical volume`)
  }
  return reference.name
}

/** Path of the device; device-mapper doubles the dashes inside both names. */
export function devicePath(group: string, logical: string): string {
  return `/dev/mapper/${group.replaceAll('-', '--')}-${logical.replaceAll('-', '--')}`
}

/** Name of the copy that preserves a snapshot while the snapshot itself is merged into its volume. */
export function keeperName(logicalSnapshot: string): string {
  return `keep${logicalSnapshot}`
}

/** Name of the temporary snapshot from which a volume is copied, as in upstream. */
export function temporaryName(volumeName: string): string {
  return `clone-snap-${volumeName.replace(/^volume-/, '')}`
}
