import type { Running } from '@hearth/core'
import { migrate } from '@hearth/database'
import { type DriverDeps, driverKind, openDriver } from '@hearth/driver'
import { type ImageStoreEntry, migrations, roles } from '@hearth/glance'
import type { PluginConfig } from '../config-types.ts'
import type { Shared } from '../shared.ts'
import { identityUrl } from '../urls.ts'

/** Starts the image API with its stores; without configuration images are kept in the object store. */
export async function startImage(shared: Shared): Promise<Running> {
  const { config, log, metrics } = shared
  const database = await shared.database('glance')
  await migrate(database, 'glance', migrations)
  return roles.api({
    host: config.host,
    port: config.image.port,
    publicUrl: config.image.publicUrl ?? undefined,
    proxies: shared.proxies,
    httpLimits: config.http,
    certificate: shared.certificates('image'),
    policyFile: config.image.policyFile,
    authenticator: await shared.authenticator('glance'),
    stores: await openStores(shared),
    limits: config.image.limits,
    identityUrl: identityUrl(config),
    workFolder: shared.folders.work,
    reserve: shared.reserve,
    database,
    log,
    metrics,
    metricsToken: shared.metricsToken,
    readiness: shared.health.readiness('glance.api'),
  })
}

async function openStores(shared: Shared): Promise<ImageStoreEntry[]> {
  const { image } = shared.config
  const configured: Record<string, PluginConfig> = image.stores ?? {
    swift: { driver: '@hearth/driver-swift', options: {} },
    file: { driver: '@hearth/driver-file', options: { folder: shared.folders.images } },
  }
  const defaultStore = image.defaultStore ?? Object.keys(configured)[0]!
  const deps: DriverDeps = {
    run: shared.run,
    log: shared.log,
    session: shared.session('glance'),
    reserve: shared.reserve,
  }
  return Promise.all(
    Object.entries(configured).map(async ([id, { driver, options }]) => {
      const store = await openDriver('image', driver, options, deps)
      if (store.check)
        shared.health.add({ name: `image store ${id}`, roles: ['glance.api'], run: () => store.check!() })
      if (store.close) shared.onClose(() => store.close!())
      return { id, type: await driverKind(driver), default: id === defaultStore, store }
    }),
  )
}
