import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { answer } from '../model/response.ts'
import { transactionId } from './wire.ts'

/** Statuses of what Node's HTTP parser refuses; everything else is a 400. */
const statuses = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
])

/**
 * Responds to bytes that are not HTTP with Swift's error page and a transaction id, and closes the connection.
 * `replies` are the responses under way on it: complete ones are sent to their end, others are cut.
 */
export function refuseMalformed(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  replies: ReadonlySet<ServerResponse>,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  // A response that is being sent in this turn is sent to its end first.
  setImmediate(() => {
    const begun = [...replies].filter((reply) => reply.headersSent)
    const last = begun.at(-1)
    if (last?.writableEnded && !last.writableFinished) last.once('finish', () => socket.destroy())
    else if (last || !socket.writable) socket.destroy()
    else socket.end(pageOf(statusOf(error)), () => socket.destroy())
  })
}

function statusOf(error: NodeJS.ErrnoException & { reason?: string }): number {
  // The same code stands for a length beside chunks, which is a malformed request.
  const unknownEncoding =
    error.code === 'HPE_INVALID_TRANSFER_ENCODING' && /^Request has invalid/.test(error.reason ?? '')
  return unknownEncoding ? 501 : (statuses.get(error.code ?? '') ?? 400)
}

function pageOf(code: number): string {
  const { status, headers, body } = answer(code)
  const id = transactionId()
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${headers['content-type']}`,
    `Content-Length: ${Buffer.byteLength(body as string)}`,
    `X-Trans-Id: ${id}`,
    `X-Openstack-Request-Id: ${id}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: close',
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body as string}`
}
