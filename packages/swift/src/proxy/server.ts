import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  baseUrlOf,
  bearsToken,
  type Certificate,
  createWebServer,
  isHearthError,
  isProbe,
  type Listening,
  type Logger,
  listenOn,
  noProxies,
  openMetrics,
  originOf,
  type Readiness,
  type Registry,
  type Running,
  type TrustedProxies,
} from '@hearth/core'
import { splitPath } from '../model/path.ts'
import { answer, Refusal, refuse, type SwiftResponse } from '../model/response.ts'
import { StorageError } from '../storage/errors.ts'
import type { ClientPace } from './client-pace.ts'
import type { ProxyDeps } from './deps.ts'
import { openPipeline } from './features/pipeline.ts'
import { info } from './info.ts'
import { mostHeaders } from './limits.ts'
import { refuseMalformed } from './malformed.ts'
import { applyConditions } from './objects/conditions.ts'
import { requestObserver } from './observe.ts'
import { readBody } from './read-body.ts'
import type { Handler, SwiftRequest } from './request.ts'
import { send } from './send.ts'
import { checkHead, decodePath, readHeaders, transactionId } from './wire.ts'

interface ServerOptions {
  host: string
  port: number
  /** Base URL in responses; default: the URL that the client called. */
  publicUrl?: string
  /** Proxies whose headers about the client are trusted; default: none. */
  proxies?: TrustedProxies
  /** Serves HTTPS with it; plain HTTP when absent. */
  certificate?: Certificate
  log: Logger
  metrics?: Registry
  /** Bearer token that `/metrics` asks for; without one the path does not exist. */
  metricsToken?: string
  readiness?: Readiness
  pace: ClientPace
  /** Connections at once; more are closed. No bound when absent. */
  maxConnections?: number
}

/** Listens for Swift's API. Throws with a clear message when the port is taken. */
export async function openServer(deps: ProxyDeps, options: ServerOptions): Promise<Running> {
  const handler = openPipeline(deps)
  const observe = requestObserver(options.metrics ?? openMetrics())
  const underWay = new WeakMap<Duplex, Set<ServerResponse>>()
  const handle = (message: IncomingMessage, reply: ServerResponse, waits: boolean) => {
    const replies = underWay.get(message.socket) ?? new Set()
    underWay.set(message.socket, replies.add(reply))
    void serve(message, reply, waits, { deps, handler, options, observe })
      .catch((error: unknown) => {
        if (!message.destroyed)
          options.log.error({ err: error, url: message.url?.split('?')[0] }, 'a request was cut short')
        reply.destroy()
      })
      .finally(() => replies.delete(reply))
  }
  const server = openHttpServer(options.pace.timeoutMs, options.certificate)
  server.on('clientError', (error, socket) => refuseMalformed(error, socket, underWay.get(socket) ?? new Set()))
  server.on('request', (message: IncomingMessage, reply: ServerResponse) => handle(message, reply, false))
  server.on('checkContinue', (message: IncomingMessage, reply: ServerResponse) => handle(message, reply, true))
  const listening = await listen(server, options)
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  const scheme = options.certificate ? 'https' : 'http'
  return { url: `${scheme}://${host}:${listening.port}`, close: () => close(server, listening) }
}

/**
 * Returns a server with time-outs for heads and idle connections and the limits of Swift's own web server; read-body.ts
 * has those of bodies.
 */
function openHttpServer(timeoutMs: number, certificate: Certificate | undefined): Server {
  const limits = {
    // 64 KiB of headers, as eventlet, and a request line of 8 KiB.
    maxHeaderSize: 72 * 1024,
    headersTimeout: timeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: Math.min(30_000, timeoutMs / 2),
  }
  const server = createWebServer(limits, certificate)
  // Node would drop the headers beyond a number without a word; checkHead() refuses them.
  server.maxHeadersCount = 0
  return server
}

async function listen(server: Server, { host, port, maxConnections }: ServerOptions): Promise<Listening> {
  try {
    return await listenOn(server, { host, port, maxConnections })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Error(`port ${port} on ${host} is taken`)
  }
}

/** Lets running requests end, for ten seconds at most. */
async function close(server: Server, listening: Listening): Promise<void> {
  const closed = Promise.all([listening.close(), new Promise((resolve) => server.close(resolve))])
  server.closeIdleConnections()
  // A connection that was busy would be kept open for its client's next request.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  const timer = setTimeout(() => server.closeAllConnections(), 10_000)
  await closed
  clearInterval(idle)
  clearTimeout(timer)
}

interface Serving {
  observe: ReturnType<typeof requestObserver>
  deps: ProxyDeps
  handler: Handler
  options: ServerOptions
}

/** The request as it was read, for its log line. */
interface Asked {
  request: SwiftRequest | null
}

async function serve(message: IncomingMessage, reply: ServerResponse, waits: boolean, serving: Serving): Promise<void> {
  const id = transactionId()
  const began = performance.now()
  const method = message.method ?? 'GET'
  const { pace, log } = serving.options
  const asked: Asked = { request: null }
  let response: SwiftResponse
  let sent: boolean
  try {
    checkHead(message, mostHeaders(serving.deps.limits))
    response = (await fixedAnswer(message, serving)) ?? (await handleRequest(message, reply, waits, id, serving, asked))
  } catch (error) {
    response = answerFor(error, message, id, log)
  }
  if (waits && !message.complete) response.headers.connection = 'close'
  try {
    sent = await send({ method, transactionId: id }, response, reply, pace.timeoutMs)
  } catch (error) {
    if (reply.headersSent) throw error
    response = answerFor(error, message, id, log)
    sent = await send({ method, transactionId: id }, response, reply, pace.timeoutMs)
  }
  if (!message.complete && !message.destroyed) discardRest(message)
  const seconds = (performance.now() - began) / 1000
  const status = sent ? response.status : 499
  serving.observe(method, message.url ?? '', status, seconds)
  const [path = ''] = (message.url ?? '').split('?', 1)
  if (isProbe(path)) return
  const { clientAddress: address = message.socket.remoteAddress, identity } = asked.request ?? {}
  const who = { address, userId: identity?.userId, projectId: identity?.projectId }
  log.info({ service: 'swift', requestId: id, ...who, method, path, status, seconds }, 'request')
}

/**
 * Reads on from a client that still sends after its response, for half a minute, so that the client reads the response.
 */
function discardRest(message: IncomingMessage): void {
  const timer = setTimeout(() => message.destroy(), 30_000)
  timer.unref()
  message.once('end', () => clearTimeout(timer))
  message.once('close', () => clearTimeout(timer))
  message.resume()
}

const crossDomain = `<?xml version="1.0"?>
<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd" >
<cross-domain-policy>
<allow-access-from domain="*" secure="false" />
</cross-domain-policy>`

/** Paths outside of accounts; null for all others. */
async function fixedAnswer(message: IncomingMessage, { deps, options }: Serving): Promise<SwiftResponse | null> {
  if (message.url?.startsWith('/v1')) return null
  const path = message.url?.split('?')[0]
  const reads = message.method === 'GET' || message.method === 'HEAD'
  if (path === '/info' && (reads || message.method === 'OPTIONS')) return info(deps)
  if (path === '/healthcheck' && reads) return health(message.url ?? '', options)
  if (path === '/crossdomain.xml' && reads)
    return { status: 200, headers: { 'content-type': 'application/xml' }, body: crossDomain }
  if (path === '/metrics' && reads) return metricsFor(message.headers.authorization, options)
  return null
}

/**
 * Returns 200 while the process responds; with `?ready` 503 and the names of missing parts when the role cannot work.
 */
async function health(url: string, { readiness }: ServerOptions): Promise<SwiftResponse> {
  const asksReady = new URLSearchParams(url.split('?')[1] ?? '').has('ready')
  const missing = asksReady ? ((await readiness?.()) ?? []) : []
  const headers = { 'content-type': 'text/plain; charset=UTF-8' }
  if (missing.length === 0) return { status: 200, headers, body: 'OK' }
  return { status: 503, headers, body: `not ready: ${missing.join(', ')}` }
}

async function metricsFor(
  authorization: string | undefined,
  { metrics, metricsToken }: ServerOptions,
): Promise<SwiftResponse | null> {
  if (!metrics || metricsToken === undefined) return null
  if (!bearsToken(authorization, metricsToken))
    return answer(401, { headers: { 'www-authenticate': 'Bearer realm="metrics"' } })
  return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.metrics() }
}

async function handleRequest(
  message: IncomingMessage,
  reply: ServerResponse,
  waits: boolean,
  id: string,
  { handler, options }: Serving,
  asked: Asked,
): Promise<SwiftResponse> {
  const [rawPath = '/', ...rest] = (message.url ?? '/').split('?')
  const path = splitPath(decodePath(rawPath))
  if (!path) throw refuse(/^\/v1(\.0)?\/?$/.test(rawPath) ? 412 : 404)
  const headers = readHeaders(message)
  const origin = originOf(message, options.proxies ?? noProxies)
  const calledUrl = baseUrlOf(origin)
  if (calledUrl === null) throw refuse(400, 'The Host header is no valid host.')
  const request: SwiftRequest = {
    ...path,
    path: rawPath,
    method: message.method ?? 'GET',
    query: Object.fromEntries(new URLSearchParams(rest.join('?'))),
    headers,
    body: readBody(message, reply, waits, options.pace),
    length: contentLength(headers),
    chunked: headers['transfer-encoding']?.toLowerCase() === 'chunked',
    transactionId: id,
    baseUrl: options.publicUrl ?? calledUrl,
    clientAddress: origin.address,
    gone: goneSignal(reply),
    identity: null,
    serviceRoles: [],
    authorize: () => answer(401),
    preauthorized: false,
    slash: rawPath.endsWith('/'),
    owner: false,
    reseller: false,
    sysmeta: {},
    log: options.log,
  }
  asked.request = request
  const response = await handler(request)
  return applyConditions(request, response)
}

/** Aborted when the connection ends before the response is sent. */
function goneSignal(reply: ServerResponse): AbortSignal {
  const controller = new AbortController()
  reply.once('close', () => {
    if (!reply.writableFinished) controller.abort()
  })
  return controller.signal
}

function contentLength(headers: Record<string, string>): number | null {
  const text = headers['content-length']
  if (text === undefined) return null
  if (!/^\d+$/.test(text)) throw refuse(400, 'Invalid Content-Length header value')
  return Number(text)
}

/** Returns the response to a failure. An unexpected error is logged and becomes a plain 500. */
function answerFor(error: unknown, message: IncomingMessage, id: string, log: Logger): SwiftResponse {
  if (error instanceof Refusal) return error.response
  if (error instanceof StorageError) return answer(error.kind === 'full' ? 507 : 503)
  if (isHearthError(error)) return answer(error.status)
  const { code } = error as NodeJS.ErrnoException
  if (message.destroyed || code === 'ECONNRESET') return answer(499)
  log.error({ err: error, transaction: id }, 'a request failed')
  return answer(500)
}
