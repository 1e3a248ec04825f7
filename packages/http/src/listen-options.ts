import type { Certificate, Logger, Readiness, Registry, TrustedProxies } from '@hearth/core'
import type { HttpLimits } from './limits.ts'
import type { ServiceOptions } from './service-options.ts'

/** Options of listening that are the same for every API. */
export interface ListenOptions {
  host: string
  /** 0 picks a free one. */
  port: number
  /** Base URL in responses, without version; when absent, the URL that the client called. */
  publicUrl?: string | null
  /** Proxies whose headers about the client are trusted; none when absent. */
  proxies?: TrustedProxies
  /** Serves HTTPS with it; plain HTTP when absent. */
  certificate?: Certificate
  log: Logger
  metrics: Registry
  /** Bearer token that `/metrics` asks for; without one the path does not exist. */
  metricsToken?: string
  /** Called by /healthcheck?ready; always ready when absent. */
  readiness?: Readiness
  /** Bounds of connections and requests that differ from the defaults. */
  httpLimits?: Partial<HttpLimits>
}

type Listening =
  | 'host'
  | 'port'
  | 'publicUrl'
  | 'proxies'
  | 'certificate'
  | 'log'
  | 'metrics'
  | 'metricsToken'
  | 'readiness'
  | 'limits'

/** The part of a service's options that its own options hold. */
export function listening(options: ListenOptions): Pick<ServiceOptions<unknown>, Listening> {
  const { host, port, publicUrl, proxies, certificate, log, metrics, metricsToken, readiness, httpLimits } = options
  return {
    host,
    port,
    publicUrl: publicUrl ?? undefined,
    proxies,
    certificate,
    log,
    metrics,
    metricsToken,
    readiness,
    limits: httpLimits,
  }
}
