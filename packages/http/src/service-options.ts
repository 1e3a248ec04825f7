import type { IncomingHttpHeaders } from 'node:http'
import type { Authenticator, Enforcer } from '@hearth/auth'
import type { Certificate, Context, HearthError, Logger, Readiness, Registry, TrustedProxies } from '@hearth/core'
import type { FastifyInstance } from 'fastify'
import type { HttpLimits } from './limits.ts'
import type { Microversions } from './microversion.ts'
import type { ApiRequest, Route } from './route.ts'

/** How an error looks on a service's wire. */
export type Faults = (
  error: HearthError,
  request: { headers: IncomingHttpHeaders; method: string; url: string; version: string; baseUrl: string },
) => { status: number; body: string | object; headers?: Record<string, string> }

export interface ServiceOptions<Deps> {
  name: string
  /** Types in the catalog, for the access rules of application credentials; default the name. */
  serviceTypes?: readonly string[]
  host: string
  /** 0 picks a free one. */
  port: number
  /** Base URL in responses; when absent, the URL that the client called. */
  publicUrl?: string
  /** Proxies whose headers about the client are trusted; none when absent. */
  proxies?: TrustedProxies
  /** Serves HTTPS with it; plain HTTP when absent. */
  certificate?: Certificate
  routes: readonly Route<Deps>[]
  /** Every row exists under each of them. */
  prefixes: readonly string[]
  deps: Deps
  authenticator: Authenticator
  enforcer: Enforcer
  faults: Faults
  log: Logger
  metrics: Registry
  /** Bearer token that `/metrics` asks for; without one the path does not exist. */
  metricsToken?: string
  /** Called by /healthcheck?ready; always ready when absent. */
  readiness?: Readiness
  microversions?: Microversions
  ignoreTrailingSlash?: boolean
  /** True: other methods on known paths get 405 and Allow instead of 404. */
  methodNotAllowed?: boolean
  /** Bounds that differ from the defaults. */
  limits?: Partial<HttpLimits>
  /** Largest JSON body, bytes; default 114688 as oslo.middleware's. */
  maxBodyBytes?: number
  /** Check of each request after authentication; throws to refuse it. */
  before?(context: Context, request: ApiRequest): void
  /** For what rows cannot say. */
  configure?(app: FastifyInstance): void
}
