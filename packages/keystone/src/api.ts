import { identityRoot, openEnforcer, openLocalAuthenticator } from '@hearth/auth'
import type { Logger, Registry, Running, TrustedProxies } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type HttpLimits, openService } from '@hearth/http'
import type { Deps } from './deps.ts'
import { openFaults } from './faults.ts'
import { policies } from './policies.ts'
import { served } from './routes.ts'
import { openTokenSource, type TokenKeeper } from './tokens/source.ts'

export interface ApiOptions {
  host: string
  port: number
  /** Address told to clients, with or without `/v3`; what they called when absent. */
  publicUrl?: string | null
  /** Whose headers about the client are believed; nobody's when absent. */
  proxies?: TrustedProxies
  /** Migrated and bootstrapped. */
  database: Database
  /** As openTokenSource gave it; opened here when absent. */
  tokens?: TokenKeeper
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
}

/** Starts the identity API. */
export async function openApi(options: ApiOptions): Promise<Running> {
  const { host, port, database, log, metrics } = options
  const tokens = options.tokens ?? (await openTokenSource(database))
  const authenticator = openLocalAuthenticator(tokens)
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
      if (!options.tokens) tokens.close()
    },
  }
}
