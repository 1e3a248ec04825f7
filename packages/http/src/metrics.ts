import { bearsToken, commonErrors, Histogram, isProbe, type Logger, type Registry } from '@hearth/core'
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
    const status = String(reply.statusCode)
    histogram.observe({ service: options.name, method: request.method, route, status }, seconds)
    // Query strings stay out: they may carry signatures.
    const path = request.url.split('?', 1)[0]!
    if (isProbe(path)) return
    const requestId = request.hearth?.context.requestId
    options.log.info({ service: options.name, requestId, method: request.method, path, status, seconds }, 'request')
  })
}

/** Offers the metrics to who bears the token; anonymous callers get 401. Without a token the path does not exist. */
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
