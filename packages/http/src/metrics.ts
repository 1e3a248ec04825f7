import { Histogram, type Logger, type Registry } from '@hearth/core'
import type { FastifyInstance } from 'fastify'

const name = 'hearth_http_request_seconds'

/** Counts and times every request, and writes one log line for each. */
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
    const path = request.url.split('?', 1)[0]
    const requestId = request.hearth?.context.requestId
    options.log.info({ service: options.name, requestId, method: request.method, path, status, seconds }, 'request')
  })
}
