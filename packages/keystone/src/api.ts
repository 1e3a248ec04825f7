import { identityRoot, openEnforcer, openLocalAuthenticator } from '@hearth/auth'
import type { Logger, Registry, Running, TrustedProxies } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type HttpLimits, openService } from '@hearth/http'
import type { Deps } from './deps.ts'
import { openFaults } from './faults.ts'
import { policies } from './policies.ts'
import { served } from './routes.ts'
import type { TokenKeeper } from './tokens/source.ts'

export interface ApiOptions {
  host: string
  port: number
  /** Address told to clients, with or without `/v3`; what they called when absent. */
  publicUrl?: string | null
  /** Whose headers about the client are believed; nobody's when absent. */
  proxies?: TrustedProxies
  /** Migrated and bootstrapped. */
  database: Database
  /** Of the same database; closed by whoever opened it. */
  tokens: TokenKeeper
  log: Logger
  metrics: Registry
  /** Bearer token that `/metrics` asks for; without one the path does not exist. */
  metricsToken?: string
  /** Bounds of connections and requests that differ from the defaults. */
  httpLimits?: Partial<HttpLimits>
  /** An operator's policy.yaml. */
  policyFile?: string | null
  /** Life of a token; default 3600. */
  tokenSeconds?: number
  /** How long tokens are believed without news of revocations; default 60. */
  revocationLagSeconds?: number
}

/** Starts the identity API. */
export async function openApi(options: ApiOptions): Promise<Running> {
  const { host, port, database, tokens, log, metrics } = options
  const authenticator = openLocalAuthenticator(tokens, (options.revocationLagSeconds ?? 60) * 1000)
  const publicUrl = options.publicUrl ? identityRoot(options.publicUrl) : null
  const deps: Deps = { database, tokens, publicUrl, tokenSeconds: options.tokenSeconds ?? 3600 }
  const running = await openService({
    name: 'keystone',
    serviceTypes: ['identity'],
    host,
    port,
    proxies: options.proxies,
    routes: served(),
    prefixes: [''],
    deps,
    authenticator,
    enforcer: openEnforcer({ defaults: policies, file: options.policyFile ?? null }),
    faults: openFaults(publicUrl),
    log,
    metrics,
    metricsToken: options.metricsToken,
    limits: options.httpLimits,
    ignoreTrailingSlash: true,
    methodNotAllowed: true,
    configure(app) {
      app.addHook('onRequest', async (_request, reply) => {
        reply.header('vary', 'X-Auth-Token')
      })
    },
  })
  return {
    ...running,
    async close() {
      await running.close()
      await authenticator.close()
    },
  }
}
