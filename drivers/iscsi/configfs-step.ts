import { basename } from 'node:path'
import { DriverError } from '@hearth/driver'

/**
 * A step in the kernel's tree. Paths are relative to it and hold no tab and no line break, nor do values; `*` in a
 * pattern stands for any part of one name. What is there already is not made again, what is gone is not removed.
 */
export type Step =
  | ['mkdir', path: string]
  | ['link', path: string, to: string]
  | ['write', path: string, value: string]
  /** A write whose refusal does not matter. */
  | ['try', path: string, value: string]
  /** What matches the pattern. */
  | ['unlink', pattern: string]
  | ['rmdir', pattern: string]
  /** What matches the pattern: contents of files, an empty text for folders and links. */
  | ['read', pattern: string]
  /** What tells this device or file (an absolute path) from any other; nothing when it is not there. */
  | ['identify', path: string]
  /** A write of what `identify` tells of that device or file. */
  | ['note', path: string, of: string]
  /** The deed ends here, without a failure, when the path is there. */
  | ['unless', path: string]
  /** The deed ends here, without a failure, unless this absolute path is of that kind. */
  | ['only', path: string, kind: DeviceKind]

/** As `identify` begins. */
export type DeviceKind = 'block' | 'file'

/** Path → text, of all `read` and `identify` steps of a deed. */
export type Found = Map<string, string>

/** The kernel's configuration tree of targets. */
export interface Configfs {
  /** Does the steps in their order and stops at the first that fails, with a DriverError that names it. */
  apply(steps: Step[]): Promise<Found>
}

/** Says which entry refused and why; never the value, which may be a password. */
export function stepFailure([kind, path]: Step, said: string, cause?: unknown): DriverError {
  const verb =
    { mkdir: 'make', rmdir: 'remove', unlink: 'remove', link: 'link', write: 'set', note: 'set' }[kind as 'write'] ??
    kind
  const portal = kind === 'mkdir' && /\/np\/[^/]+$/.test(path) ? basename(path) : null
  if (portal) {
    const why = 'another program, or a target on every address, has its port'
    return new DriverError('unavailable', `iSCSI cannot listen on ${portal}: ${why} (${said})`, cause)
  }
  const outcome = /busy/i.test(said) ? 'busy' : 'failed'
  return new DriverError(outcome, `The kernel's target does not ${verb} ${path}: ${said}`, cause)
}
