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

/**
 * Returns the function that makes Keystone's error responses, `{"error": {"code", "message", "title"}}`. A 401 names
 * the URL to log in at.
 */
export function openFaults(publicUrl: string | null): (error: HearthError, request: FaultRequest) => Fault {
  return (error, request) => {
    const headers: Record<string, string> = { ...error.headers }
    if (error.status === 401) {
      const uri = publicUrl ?? request.baseUrl
      headers['www-authenticate'] = `Keystone uri="${uri}"`
    }
    // A 401 that asks for more methods has another body.
    if (error.code === 'InsufficientAuthMethods') return { status: 401, body: error.params.body as object, headers }
    const title = STATUS_CODES[error.status] ?? 'Error'
    return { status: error.status, body: { error: { code: error.status, message: error.message, title } }, headers }
  }
}
