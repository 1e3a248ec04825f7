const brand = Symbol.for('hearth.driver-error')

/**
 * Reason of a DriverError. Drivers convert the failures of their tools to these and throw no plain errors on purpose.
 * `busy`: something depends on it (a snapshot with clones) · `not-found` · `no-space`: the backend is full · `invalid`:
 * the request can never work · `unsupported` · `unavailable`: the backend does not respond, a retry may help ·
 * `aborted`: the AbortSignal fired · `failed`: any other failure.
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

/** The only error that drivers throw. `message` never contains a secret: it may be logged and shown to users. */
export class DriverError extends Error {
  readonly kind: DriverErrorKind

  constructor(kind: DriverErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DriverError'
    this.kind = kind
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True for a DriverError, also one from another copy of this package. */
export function isDriverError(error: unknown): error is DriverError {
  return typeof error === 'object' && error !== null && brand in error
}
