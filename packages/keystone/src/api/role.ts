import { identityRoot, openEnforcer, openLocalAuthenticator } from '@hearth/auth'
import { type Clock, type Running, systemClock } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ListenOptions, listening, openService } from '@hearth/http'
import type { Deps } from '../model/deps.ts'
import { noCompliance, type SecurityCompliance } from '../model/login/compliance.ts'
import { defaultThrottle, openThrottle, type ThrottleSettings } from '../model/login/throttle.ts'
import type { TokenKeeper } from '../model/tokens/keeper.ts'
import { openFaults } from './faults.ts'
import { policies } from './policies.ts'
import { allRoutes } from './routes.ts'

export interface ApiOptions extends ListenOptions {
  /** Database, migrated and bootstrapped. */
  database: Database
  /** Token source of the same database. The caller that opened it closes it. */
  tokens: TokenKeeper
  /** Path of the operator's policy.yaml. */
  policyFile?: string | null
  /** Lifetime of a token in seconds; default 3600. */
  tokenSeconds?: number
  /** Seconds for which tokens are accepted without news of revocations; default 60. */
  revocationLagSeconds?: number
  securityCompliance?: Partial<SecurityCompliance>
  loginThrottle?: Partial<ThrottleSettings>
  /** Clock for the rules about log-ins and passwords; default: the system's. */
  clock?: Clock
}

/** Starts the identity API and returns the running server. Its `close` stops the server and its authenticator. */
export async function openApi(options: ApiOptions): Promise<Running> {
  const { database, tokens } = options
  const authenticator = openLocalAuthenticator(tokens, (options.revocationLagSeconds ?? 60) * 1000)
  const publicUrl = options.publicUrl ? identityRoot(options.publicUrl) : null
  const clock = options.clock ?? systemClock
  const deps: Deps = {
    database,
    tokens,
    publicUrl,
    tokenSeconds: options.tokenSeconds ?? 3600,
    clock,
    compliance: { ...noCompliance, ...options.securityCompliance },
    throttle: openThrottle({ ...defaultThrottle, ...options.loginThrottle }, clock),
  }
  const running = await openService({
    name: 'keystone',
    serviceTypes: ['identity'],
    ...listening({ ...options, publicUrl: null }),
    routes: allRoutes(),
    prefixes: [''],
    deps,
    authenticator,
    enforcer: openEnforcer({ defaults: policies, file: options.policyFile ?? null }),
    faults: openFaults(publicUrl),
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
