import { basename } from 'node:path'
import { DriverError } from '@hearth/driver'

/**
 * A step in the kernel's tree. Paths are relative to it. Paths and values contain no tab and no line break; `*` in a
 * pattern matches any part of one name. Making an existing entry or removing a missing one succeeds.
 */
export type Step =
  | ['mkdir', path: string]
  | ['link', path: string, to: string]
  | ['write', path: string, value: string]
  /** A write that may fail. */
  | ['try', path: string, value: string]
  /** Removes the entries that match the pattern. */
  | ['unlink', pattern: string]
  | ['rmdir', pattern: string]
  /** Reads the entries that match the pattern: the content of files, an empty text for folders and links. */
  | ['read', pattern: string]
  /** Reads the identity of a device or file (an absolute path); nothing when it is missing. */
  | ['identify', path: string]
  /** Writes the identity of that device or file, as `identify` reads it. */
  | ['note', path: string, of: string]
  /** Ends the list of steps here, without a failure, when the path exists. */
  | ['unless', path: string]
  /** Ends the list of steps here, without a failure, unless this absolute path is of that kind. */
  | ['only', path: string, kind: DeviceKind]

/** First word of an identity. */
export type DeviceKind = 'block' | 'file'

/** Path → text, for all `read` and `identify` steps. */
export type Found = Map<string, string>

/** The kernel's configuration tree of targets. */
export interface Configfs {
  /** Runs the steps in order. Stops at the first that fails and throws a DriverError that names it. */
  apply(steps: Step[]): Promise<Found>
}

/** Returns the error of a step: it names the entry and the reason, never the value, which may be a password. */
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
