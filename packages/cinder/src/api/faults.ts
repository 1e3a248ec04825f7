import { type HearthError, own } from '@hearth/core'

const faultNames: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

/** Error codes whose message on the wire is fixed and replaces the error's own message. */
const fixedMessages: Record<string, string> = {
  MalformedJson: 'Malformed request body',
  UnsupportedMediaType: 'Unsupported Content-Type',
}

/** Error codes whose status on the wire differs: Cinder returns 400 for a wrong media type. */
const fixedStatuses: Record<string, number> = { UnsupportedMediaType: 400 }

interface Fault {
  status: number
  body: string | object
  headers?: Record<string, string>
}

/**
 * Returns the response to an error: `{"<fault name>": {"code", "message"}}`. A status without a fault name becomes
 * `computeFault`; a 401 is `{"error": {"code", "title", "message"}}`.
 */
export function fault(error: HearthError): Fault {
  const status = own(fixedStatuses, error.code) ?? error.status
  const message = own(fixedMessages, error.code) ?? error.message
  if (status === 401)
    return { status, body: { error: { code: 401, title: 'Unauthorized', message } }, headers: error.headers }
  const details: Record<string, unknown> = { code: status, message }
  const retryAfter = error.headers['Retry-After'] ?? error.headers['retry-after']
  if (status === 413 && retryAfter !== undefined) details.retryAfter = retryAfter
  return { status, body: { [faultNames[status] ?? 'computeFault']: details }, headers: error.headers }
}
