const brand = Symbol.for('hearth.driver-error')

/**
 * Why a driver could not do what was asked. Drivers map their tools' failures to these and never throw plain errors on
 * purpose:
 * `busy` something depends on it (a snapshot with clones) · `not-found` · `no-space` the backend is full ·
 * `invalid` the request can never work · `unsupported` · `unavailable` the backend does not answer, worth a retry ·
 * `aborted` the AbortSignal fired · `failed` anything else.
 */
export type DriverErrorKind =
  | 'busy'
  | 'not-found'
  | 'no-space'
  | 'invalid'
  | 'unsupported'
  | 'unavailable'
  | 'aborted'
  | 'failed'

/** The one error a driver throws. `message` is safe to log and to show: never a secret. */
export class DriverError extends Error {
  readonly kind: DriverErrorKind

  constructor(kind: DriverErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DriverError'
    this.kind = kind
    Object.defineProperty(this, brand, { value: true })
  }
}

export function isDriverError(error: unknown): error is DriverError {
  return typeof error === 'object' && error !== null && brand in error
}
