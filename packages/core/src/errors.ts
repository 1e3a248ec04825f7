import { own, setOwn } from './members.ts'

/** Brand instead of instanceof: a driver or plug-in may carry its own copy of this package. */
const brand = Symbol.for('hearth.error')

interface ErrorOptions {
  /** Stable, machine-readable name, e.g. `VolumeNotFound`. */
  code: string
  /** HTTP status of the fault. */
  status: number
  message: string
  cause?: unknown
  /** Values the message was built from. */
  params?: Record<string, unknown>
  /** Response headers the fault must carry, e.g. `Retry-After`. */
  headers?: Record<string, string>
}

/** Every error that may reach a client. Any other error is a bug and becomes 500 without details. */
export class HearthError extends Error {
  readonly code: string
  readonly status: number
  readonly params: Record<string, unknown>
  readonly headers: Record<string, string>

  constructor(options: ErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'HearthError'
    this.code = options.code
    this.status = options.status
    this.params = options.params ?? {}
    this.headers = options.headers ?? {}
    Object.defineProperty(this, brand, { value: true })
  }
}

/** True when `error` is a HearthError. */
export function isHearthError(error: unknown): error is HearthError {
  return typeof error === 'object' && error !== null && brand in error
}

/** True when `error` is a HearthError with this stable code. */
export function hasCode(error: unknown, code: string): error is HearthError {
  return isHearthError(error) && error.code === code
}

type ErrorTable = Record<string, readonly [status: number, message: string]>
type ErrorFactories<T extends ErrorTable> = {
  [K in keyof T]: (params?: Record<string, unknown>, cause?: unknown) => HearthError
}

/**
 * Turns a table `{ VolumeNotFound: [404, 'Volume {volume_id} could not be found.'] }` into factories:
 * `errors.VolumeNotFound({ volume_id })`. A param missing from the message is kept in `params` only.
 */
export function errorTable<T extends ErrorTable>(table: T): ErrorFactories<T> {
  const factories: Record<string, unknown> = {}
  for (const [code, [status, template]] of Object.entries(table)) {
    setOwn(
      factories,
      code,
      (params: Record<string, unknown> = {}, cause?: unknown) =>
        new HearthError({ code, status, message: fill(template, params), params, cause }),
    )
  }
  rowsByFactories.set(factories, table)
  return factories as ErrorFactories<T>
}

const rowsByFactories = new WeakMap<object, ErrorTable>()

/** The table that errorTable() made these factories of, for documents. */
export function errorRowsOf(factories: object): { code: string; status: number; message: string }[] {
  const rows = Object.entries(rowsByFactories.get(factories) ?? {})
  return rows.map(([code, [status, message]]) => ({ code, status, message }))
}

function fill(template: string, params: Record<string, unknown>): string {
  return template.replace(/\{(\w+)\}/g, (whole, key: string) =>
    Object.hasOwn(params, key) ? shown(own(params, key)) : whole,
  )
}

/** Never throws: String() does for an object from outside whose `toString` is no function. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(',')
  if (typeof value !== 'object' || value === null || value instanceof Error) return String(value)
  return JSON.stringify(value)
}

/** Errors any service may throw. */
export const commonErrors = errorTable({
  BadRequest: [400, '{reason}'],
  InvalidInput: [400, 'Invalid input received: {reason}'],
  Unauthorized: [401, 'The request you have made requires authentication.'],
  PolicyNotAuthorized: [403, "Policy doesn't allow {rule} to be performed."],
  NotFound: [404, 'The resource could not be found.'],
  MethodNotAllowed: [405, 'The method {method} is not allowed for this resource.'],
  RequestTimeout: [408, 'The server has waited too long for the request to be sent by the client.'],
  Conflict: [409, '{reason}'],
  TooLarge: [413, 'Request is too large.'],
  UnsupportedMediaType: [415, 'The server does not support the media type {type}.'],
  InsufficientStorage: [507, 'There is not enough space left to complete the request.'],
  ServiceUnavailable: [503, 'Service Unavailable: {reason}'],
})
