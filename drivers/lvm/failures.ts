import { DriverError, type DriverErrorKind } from '@hearth/driver'

/** The most reliable rule comes first: LVM also reports devices that are unrelated to the command. */
const rules: [RegExp, DriverErrorKind, string][] = [
  [
    /insufficient (free space|suitable)|not enough (free )?(space|extents|PVs)|no space left|no free extents|reached threshold|out of (data|metadata) space/i,
    'no-space',
    'add a device to the group (vgextend) or delete volumes',
  ],
  [
    /in use|is used by|has open|cannot be deactivated|while (it is )?active|only while inactive/i,
    'busy',
    'detach it first',
  ],
  [/volume group .* not found|cannot process volume group/i, 'unavailable', 'create it or attach its devices'],
  [
    /PVs? (is|are) missing|missing PV|couldn't find device|missing physical volume/i,
    'unavailable',
    'a device of the group is gone: bring it back',
  ],
  [
    /input\/output error|failed to suspend|transaction_id|needs_check|check of pool/i,
    'unavailable',
    'see its devices and the kernel log',
  ],
  [/reserved|invalid (name|logical volume name)|name .* (too long|invalid)|exceeds/i, 'invalid', 'choose another name'],
  [/not found|failed to find logical volume/i, 'not-found', 'look at the group with lvs'],
]

/** Converts the output of LVM to an error of the right kind. `what` names the operation or the volume. */
export function failureOf(said: string, what: string): DriverError {
  const [, kind, advice] = rules.find(([pattern]) => pattern.test(said)) ?? [null, 'failed' as const, null]
  const shown =
    said
      .trim()
      .replaceAll(/\s*\n\s*/g, '; ')
      .slice(-800) || 'LVM failed without a message'
  return new DriverError(kind, `${what}: ${shown}${advice ? ` (${advice})` : ''}`)
}

/** The error for a volume, snapshot or group that is missing. */
export function notFound(what: string): DriverError {
  return new DriverError('not-found', `There is no ${what}`)
}

/** Throws `aborted` when the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new DriverError('aborted', `${what} was aborted`)
}
