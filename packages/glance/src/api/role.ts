import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Authenticator, identityRoot, openEnforcer } from '@hearth/auth'
import type { Running } from '@hearth/core'
import type { Database } from '@hearth/database'
import { openReserve, type Reserve } from '@hearth/driver'
import { type ListenOptions, listening, openService, type Route } from '@hearth/http'
import { openImageCache } from '../data/cache.ts'
import { openHashing } from '../data/hashing.ts'
import { openSettings, type SettingsOverride } from '../data/settings.ts'
import { openStaging } from '../data/staging.ts'
import { openStores, type StoreEntry } from '../data/stores.ts'
import { recoverImages, retryMs, sweepImages, sweepMs } from '../imports/recover.ts'
import { openImports } from '../imports/run.ts'
import type { ApiDeps } from './deps.ts'
import { faults } from './faults.ts'
import { policies } from './policies.ts'
import { routes } from './routes.ts'
import { versionRoutes } from './versions/routes.ts'

export interface ApiOptions extends ListenOptions {
  /** Migrated. */
  database: Database
  authenticator: Authenticator
  /** An operator's policy.yaml. */
  policyFile?: string | null
  stores: readonly StoreEntry[]
  /** Limits and switches that differ from the defaults. */
  limits?: SettingsOverride
  /**
   * Root URL of the identity service, to find the image services of other regions; without it glance-download is off.
   */
  identityUrl?: string | null
  /** Folder for bytes that are staged, on their way in. */
  workFolder: string
  /** Space that the disk of that folder keeps free; the default rule when absent. */
  reserve?: Reserve
  /** Name of this process among all image API processes, the same after a restart; default host:port. */
  worker?: string
}

const prefixes = ['/v2', '/v2.:minor(^\\d+$)']

/** Starts the image API, after taking back what an earlier run of this worker left half done. */
export async function api(options: ApiOptions): Promise<Running> {
  const { database, log, reserve = openReserve() } = options
  const hashing = openHashing()
  const staging = await openStaging(join(options.workFolder, 'staging'), reserve)
  const settings = openSettings(options.limits)
  const base = { database, stores: openStores(options.stores), settings, hashing, staging, log }
  const identityUrl = options.identityUrl ? identityRoot(options.identityUrl) : null
  const imports = openImports({ ...base, identityUrl })
  const caching = { hashing, log, reserve, maxSize: settings.imageCacheMaxSize }
  const cache = settings.imageCache ? await openImageCache(join(options.workFolder, 'cache'), caching) : null
  const deps: ApiDeps = {
    ...base,
    imports,
    cache,
    worker: options.worker ?? `${hostname()}:${options.port}`,
    importMethods: settings.enabledImportMethods.filter((name) => identityUrl !== null || name !== 'glance-download'),
  }
  const recovered = await recoverImages(deps)
  const service = await openService<ApiDeps>({
    name: 'glance',
    serviceTypes: ['image'],
    ...listening(options),
    routes: allRoutes,
    prefixes: [''],
    deps,
    authenticator: options.authenticator,
    enforcer: openEnforcer({ defaults: policies, file: options.policyFile }),
    faults: faults({ cache: settings.imageCache }),
    methodNotAllowed: true,
    maxBodyBytes: 4 * 1024 * 1024,
  })
  const stopSweeping = startSweeping(deps, recovered)
  return {
    url: service.url,
    async close() {
      await stopSweeping()
      await service.close()
      await imports.close()
      await cache?.close()
      await hashing.close()
    },
  }
}

/** The rows with their versions in the path: `/v2` and each `/v2.N` are the same. */
const allRoutes: Route<ApiDeps>[] = [
  ...versionRoutes,
  ...routes.flatMap((row) => prefixes.map((prefix) => ({ ...row, path: prefix + row.path }))),
]

/** Sweeps now and then, soon again while something is left to do. */
function startSweeping(deps: ApiDeps, recovered: boolean): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const sweep = async () => {
    const clean = await sweepImages(deps).catch((error: unknown) => {
      deps.log.warn({ err: error }, 'the image sweep failed')
      return true
    })
    if (!closed) plan(clean)
  }
  const plan = (clean: boolean) => {
    timer = setTimeout(
      () => {
        running = sweep()
      },
      clean ? sweepMs : retryMs,
    ).unref()
  }
  plan(recovered)
  return async () => {
    closed = true
    clearTimeout(timer)
    await running
  }
}
