import type { Socket } from 'node:net'
import { commonErrors } from '@hearth/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { requestErrors } from './validation.ts'

/** Bounds of what one client may keep busy. Times in seconds, sizes in bytes. */
export interface HttpLimits {
  /** Until the headers of a request are complete. */
  headerSeconds: number
  /** Until a JSON body is complete. */
  bodySeconds: number
  /** A body that is streamed must bring 64 KiB, and a reader must take something, within this time. */
  idleSeconds: number
  /** A connection between two requests is kept for this time. */
  keepAliveSeconds: number
  /** Connections of one API; more are refused by closing them. */
  maxConnections: number
  /** All header lines together. */
  maxHeaderBytes: number
  /** Path and query; longer ones are 414, at the length of eventlet's url_length_limit. */
  maxUrlBytes: number
}

export const defaultLimits: HttpLimits = {
  headerSeconds: 30,
  bodySeconds: 60,
  idleSeconds: 60,
  keepAliveSeconds: 75,
  maxConnections: 4096,
  maxHeaderBytes: 16 * 1024,
  maxUrlBytes: 8192,
}

/** Node silently drops headers beyond its own maximum, so the count is checked here. */
const mostHeaders = 256

/**
 * Throws UrlTooLong (414), TooManyHeaders (431), or BadRequest (400) without the Host that RFC 9112 asks for and for a
 * NUL in the URL.
 */
export function checkHead(request: FastifyRequest, limits: HttpLimits): void {
  if (request.url.includes('%00')) throw requestErrors.HoldsNul()
  const { host } = request.raw.headers
  if (host === undefined && request.raw.httpVersion === '1.1')
    throw commonErrors.BadRequest({ reason: 'The request has no Host header.' })
  if (request.url.length > limits.maxUrlBytes) throw requestErrors.UrlTooLong({ max: limits.maxUrlBytes })
  if (request.raw.rawHeaders.length / 2 > mostHeaders) throw requestErrors.TooManyHeaders({ max: mostHeaders })
}

/** Options of Node's HTTP server that fastify does not name. */
export function serverOptions(limits: HttpLimits) {
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headerSeconds * 1000,
    // Bodies have bounds of their own: an image may come for hours, a JSON document may not.
    requestTimeout: 0,
    // Node's own refusal has no form; see checkHead.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(5000, limits.headerSeconds * 500),
    // Finds peers that vanished without closing.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  }
}

/** Closes connections whose client does not read its response. */
export function boundConnections(app: FastifyInstance, limits: HttpLimits): void {
  const { server } = app
  const busy = new WeakMap<Socket, number>()
  const count = (socket: Socket, step: number) => busy.set(socket, (busy.get(socket) ?? 0) + step)
  server.maxHeadersCount = mostHeaders * 2
  server.prependListener('request', (request, response) => {
    count(request.socket, 1)
    response.once('close', () => count(request.socket, -1))
  })
  // Fires when nothing was read or written for the time, a part of a write included.
  server.setTimeout(limits.idleSeconds * 1000, (socket) => {
    if ((busy.get(socket) ?? 0) === 0 || socket.writableLength > 0) socket.destroy()
    else socket.setTimeout(limits.idleSeconds * 1000)
  })
}
