import type { IncomingHttpHeaders } from 'node:http'
import type { Server as TlsServer } from 'node:tls'
import { type Certificate, commonErrors, type HearthError, type Listening, listenOn, type Running } from '@hearth/core'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { collectBody } from './body.ts'
import { refuseMalformed } from './client-errors.ts'
import { openContext } from './context.ts'
import { endpointsOf } from './endpoint.ts'
import { toHearthError } from './failure.ts'
import { boundConnections, checkHead, defaultLimits, type HttpLimits, serverOptions } from './limits.ts'
import { observeRequests, serveHealth, serveMetrics } from './metrics.ts'
import { negotiate } from './microversion.ts'
import { bandConstraint } from './router.ts'
import type { ServiceOptions } from './service-options.ts'
import { requestErrors } from './validation.ts'

const closeSeconds = 10

function listenerOptions(limits: HttpLimits, certificate: Certificate | undefined): object {
  const http = serverOptions(limits)
  return certificate ? { https: { ...http, ...certificate.serverOptions() } } : { http }
}

/** Starts a service's API. Throws PortInUse naming host and port. */
export async function openService<Deps>(options: ServiceOptions<Deps>): Promise<Running> {
  const { certificate } = options
  const limits = { ...defaultLimits, ...options.limits }
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
    sendFault(toHearthError(error, request.hearth?.context.log ?? options.log), request, reply, options)
  const app: FastifyInstance = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    ...(listenerOptions(limits, certificate) as object),
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveSeconds * 1000,
    clientErrorHandler: refuseMalformed(options.faults),
    frameworkErrors: (error, request, reply) => fail(error, request as FastifyRequest, reply as FastifyReply),
    bodyLimit: options.maxBodyBytes ?? 114_688,
    routerOptions: {
      // Longer than any URL may be: checkHead is the one that refuses.
      maxParamLength: limits.maxHeaderBytes,
      ignoreTrailingSlash: options.ignoreTrailingSlash ?? false,
      constraints: bandConstraint(options.microversions),
    },
  })
  boundConnections(app, limits)
  certificate?.follow(app.server as unknown as TlsServer)
  collectBody(app, limits)
  observeRequests(app, options)
  app.addHook('onRequest', async (request, reply) => {
    checkHead(request, limits)
    await openContext(request, reply, options)
  })
  app.setErrorHandler(fail)
  const endpoints = endpointsOf(options)
  for (const endpoint of endpoints) app.route(endpoint.routeOptions)
  app.setNotFoundHandler((request, reply) => {
    throw missing(request.raw.headers, request.method, request.url, endpoints, options, (allow) => {
      reply.header('allow', allow)
    })
  })
  serveHealth(app, options)
  serveMetrics(app, options)
  options.configure?.(app)
  return listen(app, options, limits.maxConnections)
}

function sendFault<Deps>(
  fault: HearthError,
  request: FastifyRequest,
  reply: FastifyReply,
  options: ServiceOptions<Deps>,
): void {
  const { headers: sent, method, url } = request
  const about = request.hearth?.request ?? { headers: sent, method, url, version: '', baseUrl: '' }
  const { status, body, headers } = options.faults(fault, about)
  reply.code(status).headers({ ...fault.headers, ...headers })
  if (!reply.hasHeader('content-type'))
    reply.header('content-type', typeof body === 'string' ? 'text/html; charset=UTF-8' : 'application/json')
  reply.send(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Why no row took the request: a bad microversion, a method the path does not know, or nothing there. */
function missing<Deps>(
  headers: IncomingHttpHeaders,
  method: string,
  url: string,
  endpoints: ReturnType<typeof endpointsOf>,
  options: ServiceOptions<Deps>,
  setAllow: (allow: string) => void,
): HearthError {
  const versions = options.microversions
  if (versions) {
    const header = headers['openstack-api-version'] as string | undefined
    const negotiated = negotiate(header, versions)
    const version = header?.trim().split(/\s+/).at(-1) ?? ''
    if (!negotiated.ok && negotiated.reason === 'malformed') return requestErrors.VersionMalformed({ version })
    if (!negotiated.ok && negotiated.reason === 'out-of-range')
      return requestErrors.VersionOutOfRange({ version, min: versions.min, max: versions.max })
  }
  if (options.methodNotAllowed) {
    const path = url.split('?', 1)[0]!
    const allowed = endpoints.filter((endpoint) => endpoint.pattern.test(path)).flatMap((endpoint) => endpoint.methods)
    if (allowed.length > 0) {
      setAllow([...new Set(allowed)].sort().join(', '))
      return commonErrors.MethodNotAllowed({ method })
    }
  }
  return commonErrors.NotFound()
}

async function listen<Deps>(
  app: FastifyInstance,
  options: ServiceOptions<Deps>,
  maxConnections: number,
): Promise<Running> {
  const { host, port } = options
  let listening: Listening
  try {
    await app.ready()
    listening = await listenOn(app.server, { host, port, maxConnections })
  } catch (cause) {
    await app.close()
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    throw requestErrors.PortInUse({ service: options.name, host, port }, cause)
  }
  const url =
    options.publicUrl ??
    `${options.certificate ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${listening.port}`
  return {
    url,
    async close() {
      const timer = setTimeout(() => app.server.closeAllConnections(), closeSeconds * 1000)
      await Promise.all([listening.close(), app.close()])
      clearTimeout(timer)
    },
  }
}
