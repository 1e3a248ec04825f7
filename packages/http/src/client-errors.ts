import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { commonErrors, type HearthError } from '@hearth/core'
import type { Faults } from './service-options.ts'
import { requestErrors } from './validation.ts'

/**
 * Responds to a request that Node's parser refused, in the service's own form, and closes the connection. Shows nothing
 * of the parser's error. When a response is already being sent, it only closes the connection.
 */
export function refuseMalformed(faults: Faults): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable || responseBegun(socket)) {
      socket.destroy()
      return
    }
    const fault = malformed(error.code)
    const { status, body, headers } = faults(fault, { headers: {}, method: '', url: '', version: '', baseUrl: '' })
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const lines = Object.entries({
      'Content-Type': typeof body === 'string' ? 'text/html; charset=UTF-8' : 'application/json',
      'Content-Length': String(Buffer.byteLength(text)),
      Connection: 'close',
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}\r\n${text}`, () =>
      socket.destroy(),
    )
  }
}

function malformed(code: string | undefined): HearthError {
  if (code === 'HPE_HEADER_OVERFLOW') return requestErrors.HeadersTooLarge()
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return commonErrors.RequestTimeout()
  return commonErrors.BadRequest({ reason: 'The request is not valid HTTP.' })
}

/** Node's note of the response a socket is sending; a second one must not be written into it. */
function responseBegun(socket: Duplex): boolean {
  const response = (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage
  return response?.headersSent ?? false
}
