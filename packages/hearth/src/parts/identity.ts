import type { Running } from '@hearth/core'
import { migrate } from '@hearth/database'
import { bootstrap, migrations, openTokenSource, roles } from '@hearth/keystone'
import { keepPrints } from '../secret-prints.ts'
import type { Shared } from '../shared.ts'
import { partUrl } from '../urls.ts'

/** Starts the identity API; at the first start makes the domain, projects, users, roles and catalog. */
export async function startIdentity(shared: Shared): Promise<Running> {
  const { config, log, metrics, secrets } = shared
  const database = await shared.database('keystone')
  await migrate(database, 'keystone', migrations)
  await bootstrap(database, {
    region: config.region,
    passwords: secrets,
    changed: shared.changedSecrets,
    urls: {
      identity: `${partUrl(config, 'identity')}/v3`,
      volume: `${partUrl(config, 'volume')}/v3/%(project_id)s`,
      image: partUrl(config, 'image'),
      object: `${partUrl(config, 'object')}/v1/AUTH_%(project_id)s`,
    },
  })
  await keepPrints(database, secrets)
  const { tokenSeconds, revocationLagSeconds } = config.identity
  const tokens = await openTokenSource(database, { secret: secrets.signing, tokenSeconds, log })
  shared.onClose(async () => tokens.close())
  shared.tokenSource = tokens
  return roles.api({
    host: config.host,
    port: config.identity.port,
    publicUrl: config.identity.publicUrl ?? undefined,
    proxies: shared.proxies,
    httpLimits: config.http,
    certificate: shared.certificates('identity'),
    policyFile: config.identity.policyFile,
    tokenSeconds,
    revocationLagSeconds,
    securityCompliance: config.identity.securityCompliance,
    loginThrottle: config.identity.loginThrottle,
    database,
    tokens,
    log,
    metrics,
    metricsToken: shared.metricsToken,
    readiness: shared.health.readiness('keystone.api'),
  })
}
