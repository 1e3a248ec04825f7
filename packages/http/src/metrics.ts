import { bearsToken, commonErrors, Histogram, isProbe, type Logger, type Readiness, type Registry } from '@hearth/core'
import type { FastifyInstance } from 'fastify'

const name = 'hearth_http_request_seconds'

/** Counts and times every request, and writes a log line for each that is no probe. */
export function observeRequests(app: FastifyInstance, options: { name: string; log: Logger; metrics: Registry }): void {
  const known = options.metrics.getSingleMetric(name) as Histogram<string> | undefined
  const histogram =
    known ??
    new Histogram({
      name,
      help: 'Seconds from the first byte of a request to the last byte of its answer',
      labelNames: ['service', 'method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers: [options.metrics],
    })
  app.addHook('onResponse', async (request, reply) => {
    const seconds = reply.elapsedTime / 1000
    const route = request.routeOptions.url ?? 'none'
    const { statusCode: status } = reply
    histogram.observe({ service: options.name, method: request.method, route, status: String(status) }, seconds)
    // Query strings stay out: they may carry signatures.
    const path = request.url.split('?', 1)[0]!
    if (isProbe(path)) return
    const { context, request: asked } = request.hearth ?? {}
    const requestId = context?.requestId
    const address = asked?.clientAddress ?? request.socket.remoteAddress
    const { userId, projectId } = context?.identity ?? {}
    const who = { address, userId, projectId }
    options.log.info(
      { service: options.name, requestId, ...who, method: request.method, path, status, seconds },
      'request',
    )
  })
}

/**
 * Serves /healthcheck to every client: 200 while the process responds. /healthcheck?ready returns 503 with the names of
 * missing things while the role cannot work.
 */
export function serveHealth(app: FastifyInstance, { readiness }: { readiness?: Readiness }): void {
  app.get('/healthcheck', { config: { public: true } }, async (request, reply) => {
    const asksReady = Object.hasOwn(request.query as object, 'ready')
    const missing = asksReady ? ((await readiness?.()) ?? []) : []
    const text = missing.length === 0 ? 'OK' : `not ready: ${missing.join(', ')}`
    return reply
      .code(missing.length === 0 ? 200 : 503)
      .type('text/plain')
      .send(text)
  })
}

/**
 * Serves the metrics to callers that send the token; anonymous callers get 401. Without a token the path does not
 * exist.
 */
export function serveMetrics(app: FastifyInstance, options: { metrics: Registry; metricsToken?: string }): void {
  const { metrics, metricsToken } = options
  if (metricsToken === undefined) return
  app.get('/metrics', { config: { public: true } }, async (request, reply) => {
    if (!bearsToken(request.headers.authorization, metricsToken)) {
      reply.header('www-authenticate', 'Bearer realm="metrics"')
      throw commonErrors.Unauthorized()
    }
    return reply.type(metrics.contentType).send(await metrics.metrics())
  })
}
