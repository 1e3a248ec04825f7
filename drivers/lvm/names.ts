import { DriverError } from '@hearth/driver'

/** Parts that LVM keeps for its own hidden volumes (lvm(8), VALID NAMES). */
const reserved =
  /_(cdata|cmeta|corig|cvol|mlog|mimage|pmspare|rimage|rmeta|tdata|tmeta|vdata|vorigin|imeta|iorig|wcorig)/

/**
 * Name of the logical volume of a volume or snapshot, as upstream Cinder names it: LVM keeps names that begin with
 * `snapshot` for itself. Throws `invalid` for names that are not `volume-…` or `snapshot-…`: everything else in the
 * group is someone else's.
 */
export function logicalName(name: string): string {
  if (!/^(volume|snapshot)-[A-Za-z0-9_.+-]+$/.test(name) || name.length > 110 || reserved.test(name)) {
    throw new DriverError('invalid', `${JSON.stringify(name)} cannot name a logical volume: volume-… or snapshot-…`)
  }
  return name.startsWith('snapshot') ? `_${name}` : name
}

/** The other way: what a logical volume is called outside, whoever made it. */
export function plainName(logical: string): string {
  return logical.startsWith('_snapshot') ? logical.slice(1) : logical
}

export function isVolumeName(logical: string): boolean {
  return /^volume-./.test(logical)
}

export function isSnapshotName(logical: string): boolean {
  return /^_snapshot-./.test(logical)
}

/** What a reference of `manage` may be: any name that LVM allows; a leading dash would be an option. */
export function referenceName(reference: { name: string }): string {
  if (!/^[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}$/.test(reference.name)) {
    throw new DriverError('invalid', `${JSON.stringify(reference.name)} is no name of a logical volume`)
  }
  return reference.name
}

/** Path of the device: device-mapper doubles dashes within the two names. */
export function devicePath(group: string, logical: string): string {
  return `/dev/mapper/${group.replaceAll('-', '--')}-${logical.replaceAll('-', '--')}`
}

/** The copy that keeps a snapshot while the snapshot itself is merged into its volume. */
export function keeperName(logicalSnapshot: string): string {
  return `keep${logicalSnapshot}`
}

/** The passing snapshot that a volume is copied from, named as upstream names it. */
export function passingName(volumeName: string): string {
  return `clone-snap-${volumeName.replace(/^volume-/, '')}`
}
