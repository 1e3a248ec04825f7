import { join } from 'node:path'
import { type Backend, type BackendSource, migrations, openComputeClient, roles } from '@hearth/cinder'
import type { Running } from '@hearth/core'
import { type Database, migrate } from '@hearth/database'
import { type BackupStore, type DriverDeps, driverKind, openDriver, openRunner, prepareDriver } from '@hearth/driver'
import type { BackendConfig, Config, PluginConfig } from '../config-types.ts'
import type { Check } from '../health.ts'
import { once } from '../once.ts'
import type { Shared } from '../shared.ts'

/** Starts the API of block storage. */
export async function startVolumeApi(shared: Shared): Promise<Running> {
  const { config, log, metrics } = shared
  return roles.api({
    host: config.host,
    port: config.volume.port,
    publicUrl: config.volume.publicUrl,
    proxies: shared.proxies,
    httpLimits: config.http,
    certificate: shared.certificates('volume'),
    policyFile: config.volume.policyFile,
    availabilityZone: config.volume.availabilityZone,
    authenticator: await shared.authenticator('cinder'),
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    session: shared.session('cinder'),
    compute: openComputeClient(shared.session('cinder')),
    log,
    metrics,
    metricsToken: shared.metricsToken,
    readiness: shared.health.readiness('cinder.api'),
  })
}

/** Starts the scheduler of block storage. */
export async function startScheduler(shared: Shared): Promise<Running> {
  return roles.scheduler({
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    hostName: shared.config.hostName,
    availabilityZone: shared.config.volume.availabilityZone,
    log: shared.log,
  })
}

/** Starts the volume role with the backends of this host. */
export async function startVolume(shared: Shared): Promise<Running> {
  const backends = await openBackends(shared)
  const turns = new Map<string, Error | null>()
  for (const { host } of backends) shared.health.add(backendCheck(host, turns))
  return roles.volume({
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    session: shared.session('cinder'),
    compute: openComputeClient(shared.session('cinder')),
    hostName: shared.config.hostName,
    availabilityZone: shared.config.volume.availabilityZone,
    backends,
    onStateChange: (host, error) => void turns.set(host, error),
    workFolder: shared.folders.work,
    reserve: shared.reserve,
    run: shared.run,
    log: shared.log,
  })
}

/** Whether a backend works, by what the volume role has said of it last. */
const backendCheck = (host: string, turns: ReadonlyMap<string, Error | null>): Check => ({
  name: `backend ${host}`,
  roles: ['cinder.volume'],
  async run() {
    const error = turns.get(host)
    if (error === undefined) throw new Error('it is still being opened')
    if (error !== null) throw error
  },
})

/** Starts the backup role with the backends of this host. */
export async function startBackup(shared: Shared): Promise<Running> {
  return roles.backup({
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    hostName: shared.config.hostName,
    availabilityZone: shared.config.volume.availabilityZone,
    backends: await openBackends(shared),
    store: backupStores(shared),
    storeName: await driverKind(backupDriver(shared).driver),
    log: shared.log,
  })
}

async function migratedDatabase(shared: Shared): Promise<Database> {
  const database = await shared.database('cinder')
  await migrate(database, 'cinder', migrations)
  return database
}

/** Without configuration: files in the data folder, offered over iSCSI by tgtd. */
function configuredBackends(config: Config, shared: Shared): Record<string, BackendConfig> {
  return (
    config.volume.backends ?? {
      file: {
        driver: '@hearth/driver-file',
        options: {
          folder: shared.folders.volumes,
          imageFile: shared.folders.volumesImage,
          ...(config.volume.sizeGiB === null ? {} : { imageSizeGiB: config.volume.sizeGiB }),
        },
        export: {
          driver: '@hearth/driver-iscsi',
          options: { portals: config.volume.portals, runFolder: join(shared.folders.run, 'tgtd') },
        },
        exclusive: true,
        reportDiscard: false,
        ssh: null,
      },
    }
  )
}

/**
 * Returns the backends of this host, opened once for the volume and the backup role together. Throws DriverError
 * `invalid` for drivers and options that can never work, but not for storage that is away.
 */
const openBackends = once((shared: Shared): Promise<BackendSource[]> => {
  const configured = Object.entries(configuredBackends(shared.config, shared))
  return Promise.all(configured.map(([name, backend]) => backendSource(shared, name, backend)))
})

async function backendSource(shared: Shared, name: string, config: BackendConfig): Promise<BackendSource> {
  const volume = await prepareDriver('volume', config.driver, config.options)
  const exporter = config.export && (await prepareDriver('export', config.export.driver, config.export.options))
  const deps: DriverDeps = {
    run: config.ssh ? openRunner({ log: shared.log, ssh: config.ssh }) : shared.run,
    remote: config.ssh !== null,
    log: shared.log,
    session: shared.session('cinder'),
    reserve: shared.reserve,
  }
  const named = { name, host: `${shared.config.hostName}@${name}` }
  let opened: Backend | undefined
  let opening: Promise<Backend> | undefined
  const open = async (): Promise<Backend> => {
    const driver = await volume(deps)
    try {
      const offered = exporter && (await exporter(deps))
      const { reportDiscard, exclusive: isExclusive } = config
      const isRemote = config.ssh !== null
      opened = { ...named, volume: driver, export: offered, isRemote, reportDiscard, isExclusive }
      return opened
    } catch (error) {
      await driver.close?.()
      throw error
    }
  }
  // Closed after the roles that use it, however late it opened.
  shared.onClose(async () => {
    await opened?.export?.close()
    await opened?.volume.close?.()
  })
  return {
    ...named,
    open() {
      opening ??= open().catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    },
  }
}

const backupDriver = ({ config }: Shared): PluginConfig =>
  config.volume.backup ?? { driver: '@hearth/driver-swift', options: {} }

/** One store for each project: backups lie in the account of their owner. */
function backupStores(shared: Shared): (projectId: string) => Promise<BackupStore> {
  const { driver, options } = backupDriver(shared)
  const deps: DriverDeps = {
    run: shared.run,
    log: shared.log,
    session: shared.session('cinder'),
    reserve: shared.reserve,
  }
  return once((projectId) => openDriver('backup', driver, options, { ...deps, projectId }))
}
