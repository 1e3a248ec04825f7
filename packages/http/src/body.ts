import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { commonErrors } from '@hearth/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isBeyond } from './json-size.ts'
import type { HttpLimits } from './limits.ts'
import { requestErrors } from './validation.ts'

/** A streamed body must bring this many bytes in each `idleSeconds`. */
const leastBytes = 64 * 1024
/** More than any request of the four services needs. */
const [deepest, mostValues] = [100, 100_000]
/**
 * Bytes still read of a refused body, so that its sender reads the response: for strangers and for authenticated
 * callers.
 */
const [discardForStrangers, discardForCallers] = [1024 * 1024, 64 * 1024 * 1024]
const discardMs = 10_000

/** Leaves the bodies of streaming rows alone and gathers the others as bytes, to be parsed when the row is known. */
export function collectBody(app: FastifyInstance, limits: HttpLimits): void {
  const waiting = new WeakMap<IncomingMessage, ServerResponse>()
  // A client that sends `Expect: 100-continue` gets its 100 only when the body will be read.
  app.server.on('checkContinue', (request, response) => {
    waiting.set(request, response)
    app.server.emit('request', request, response)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    if (request.routeOptions.config.stream) {
      waiting.get(request.raw)?.writeContinue()
      waiting.delete(request.raw)
      watchBody(request.raw, limits)
      return done(null, payload)
    }
    const limit = request.routeOptions.bodyLimit ?? Number.POSITIVE_INFINITY
    if (Number(request.headers['content-length'] ?? 0) > limit) return done(commonErrors.TooLarge())
    waiting.get(request.raw)?.writeContinue()
    waiting.delete(request.raw)
    gather(payload, limit, limits.bodySeconds).then(
      (bytes) => done(null, bytes),
      (error: Error) => done(error),
    )
  })
  app.addHook('onSend', async (request, reply) => {
    if (request.raw.complete) return
    // Nothing of this body was sent: the connection cannot be used for another request.
    if (waiting.has(request.raw)) reply.header('connection', 'close')
    else discardRest(request)
  })
}

/** Throws TooLarge (413) or RequestTimeout (408); the rest of the body is left unread. */
function gather(payload: Readable, limit: number, seconds: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer)
      payload.off('data', take).off('end', finish).off('error', fail).off('close', cut)
      end()
    }
    const take = (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) settle(() => reject(commonErrors.TooLarge()))
      else chunks.push(chunk)
    }
    const finish = () => settle(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    const fail = (error: Error) => settle(() => reject(clientGone(error)))
    const cut = () => settle(() => reject(clientGone()))
    const timer = setTimeout(() => settle(() => reject(commonErrors.RequestTimeout())), seconds * 1000)
    payload.on('data', take).on('end', finish).on('error', fail).on('close', cut)
  })
}

const clientGone = (cause?: unknown) =>
  commonErrors.BadRequest({ reason: 'The client went away before the whole request was received.' }, cause)

/** Destroys a streamed body that stops or trickles. While we are the ones who do not read, it may wait. */
function watchBody(body: IncomingMessage, limits: HttpLimits): void {
  let before = body.socket.bytesRead
  const timer = setInterval(() => {
    const came = body.socket.bytesRead - before
    before = body.socket.bytesRead
    if (came < leastBytes && body.readableLength === 0) body.destroy(commonErrors.RequestTimeout())
  }, limits.idleSeconds * 1000).unref()
  const stop = () => clearInterval(timer)
  body.once('end', stop).once('close', stop)
}

/** Reads on for a while beside and after the response, then closes the connection. */
function discardRest(request: FastifyRequest): void {
  const { raw } = request
  const { socket } = raw
  const most = request.hearth?.context.identity ? discardForCallers : discardForStrangers
  const enough = socket.bytesRead + most
  const timer = setTimeout(() => socket.destroy(), discardMs).unref()
  const stop = () => clearTimeout(timer)
  raw.once('end', stop).once('close', stop)
  raw.on('data', () => {
    if (socket.bytesRead > enough) socket.destroy()
  })
  raw.resume()
}

/**
 * Returns the value of a JSON body; undefined for an empty one. Throws MalformedJson, HoldsNul, NoUnicode or
 * UnsupportedContentType (400).
 */
export function parseJsonBody(bytes: unknown, contentType: string | undefined): unknown {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return undefined
  if (contentType !== undefined && !contentType.includes('json'))
    throw requestErrors.UnsupportedContentType({ type: contentType })
  if (!isUtf8(bytes) || isBeyond(bytes, deepest, mostValues)) throw requestErrors.MalformedJson()
  const text = bytes.toString('utf8')
  const value = parse(text)
  // No database keeps such characters in its texts. In JSON they can only be written as escapes.
  if (text.includes('\\u0000') && holdsText(value, (one) => one.includes('\0'))) throw requestErrors.HoldsNul()
  if (/\\ud[89a-f]/i.test(text) && holdsText(value, (one) => !one.isWellFormed())) throw requestErrors.NoUnicode()
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw requestErrors.MalformedJson({}, cause)
  }
}

/** True when `test` holds for one of the texts and keys in a JSON value. */
function holdsText(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => test(key) || holdsText(member, test))
}
