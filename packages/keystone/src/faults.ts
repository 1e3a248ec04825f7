import { STATUS_CODES } from 'node:http'
import type { HearthError } from '@hearth/core'

interface FaultRequest {
  baseUrl: string
}

interface Fault {
  status: number
  body: object
  headers: Record<string, string>
}

/** Keystone's envelope, `{"error": {"code", "message", "title"}}`; a 401 says where to log in. */
export function openFaults(publicUrl: string | null): (error: HearthError, request: FaultRequest) => Fault {
  return (error, request) => {
    const headers: Record<string, string> = { ...error.headers }
    if (error.status === 401) {
      const uri = publicUrl ?? request.baseUrl
      headers['www-authenticate'] = `Keystone uri="${uri}"`
    }
    // The body of a 401 that asks for further methods has a shape of its own.
    if (error.code === 'InsufficientAuthMethods') return { status: 401, body: error.params.body as object, headers }
    const title = STATUS_CODES[error.status] ?? 'Error'
    return { status: error.status, body: { error: { code: error.status, message: error.message, title } }, headers }
  }
}
