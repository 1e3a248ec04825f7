import { Histogram, type Registry } from '@hearth/core'

const name = 'hearth_http_request_seconds'

/** Counts and times requests in the histogram that all services share; the route is what the path names. */
export function requestObserver(
  metrics: Registry,
): (method: string, url: string, status: number, seconds: number) => void {
  const known = metrics.getSingleMetric(name) as Histogram<string> | undefined
  const histogram =
    known ??
    new Histogram({
      name,
      help: 'Seconds from the first byte of a request to the last byte of its answer',
      labelNames: ['service', 'method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers: [metrics],
    })
  return (method, url, status, seconds) => {
    histogram.observe(
      { service: 'swift', method: knownMethod(method), route: routeOf(url), status: String(status) },
      seconds,
    )
  }
}

const methods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'COPY', 'OPTIONS'])
/** Labels must not grow with what clients make up. */
const knownMethod = (method: string) => (methods.has(method) ? method : 'other')

function routeOf(url: string): string {
  const path = url.split('?', 1)[0]!
  if (!path.startsWith('/v1'))
    return ['/info', '/healthcheck', '/metrics', '/crossdomain.xml'].includes(path) ? path : 'none'
  const parts = path.split('/').length
  return parts <= 3 ? 'account' : parts === 4 ? 'container' : 'object'
}
