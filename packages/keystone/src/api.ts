import { identityRoot, openEnforcer, openLocalAuthenticator } from '@hearth/auth'
import { type Clock, type Running, systemClock } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ListenOptions, listening, openService } from '@hearth/http'
import type { Deps } from './deps.ts'
import { openFaults } from './faults.ts'
import { noCompliance, type SecurityCompliance } from './login/compliance.ts'
import { defaultThrottle, openThrottle, type ThrottleSettings } from './login/throttle.ts'
import { policies } from './policies.ts'
import { allRoutes } from './routes.ts'
import type { TokenKeeper } from './tokens/keeper.ts'

export interface ApiOptions extends ListenOptions {
  /** Migrated and bootstrapped. */
  database: Database
  /** Of the same database; closed by whoever opened it. */
  tokens: TokenKeeper
  /** An operator's policy.yaml. */
  policyFile?: string | null
  /** Life of a token; default 3600. */
  tokenSeconds?: number
  /** How long tokens are believed without news of revocations; default 60. */
  revocationLagSeconds?: number
  securityCompliance?: Partial<SecurityCompliance>
  loginThrottle?: Partial<ThrottleSettings>
  /** The time that rules about log-ins and passwords go by; that of the system when absent. */
  clock?: Clock
}

/** Starts the identity API. */
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
