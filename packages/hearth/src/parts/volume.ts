import { join } from 'node:path'
import { type Backend, migrations, roles } from '@hearth/cinder'
import type { Running } from '@hearth/core'
import { type Database, migrate } from '@hearth/database'
import { type BackupStore, type DriverDeps, openDriver } from '@hearth/driver'
import type { Config, PluginConfig } from '../config.ts'
import { once } from '../once.ts'
import type { Shared } from '../shared.ts'

export async function startVolumeApi(shared: Shared): Promise<Running> {
  const { config, log, metrics } = shared
  return roles.api({
    host: config.host,
    port: config.volume.port,
    publicUrl: config.volume.publicUrl,
    policyFile: config.volume.policyFile,
    availabilityZone: config.volume.availabilityZone,
    authenticator: await shared.authenticator(),
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    session: shared.session('cinder'),
    log,
    metrics,
  })
}

export async function startScheduler(shared: Shared): Promise<Running> {
  return roles.scheduler({
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    hostName: shared.config.hostName,
    availabilityZone: shared.config.volume.availabilityZone,
    log: shared.log,
  })
}

export async function startVolume(shared: Shared): Promise<Running> {
  return roles.volume({
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    session: shared.session('cinder'),
    hostName: shared.config.hostName,
    availabilityZone: shared.config.volume.availabilityZone,
    backends: await openBackends(shared),
    workFolder: shared.folders.work,
    run: shared.run,
    log: shared.log,
  })
}

export async function startBackup(shared: Shared): Promise<Running> {
  return roles.backup({
    database: await migratedDatabase(shared),
    bus: await shared.bus('cinder'),
    session: shared.session('cinder'),
    hostName: shared.config.hostName,
    availabilityZone: shared.config.volume.availabilityZone,
    backends: await openBackends(shared),
    store: backupStores(shared),
    log: shared.log,
  })
}

async function migratedDatabase(shared: Shared): Promise<Database> {
  const database = await shared.database('cinder')
  await migrate(database, 'cinder', migrations)
  return database
}

/** Without configuration: files in the data folder, offered over iSCSI by tgtd. */
function configuredBackends(config: Config, shared: Shared): NonNullable<Config['volume']['backends']> {
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
      },
    }
  )
}

/** Backends of this host, opened once for the volume and the backup role together. */
const openBackends = once((shared: Shared): Promise<Backend[]> => {
  const deps: DriverDeps = { run: shared.run, log: shared.log, session: shared.session('cinder') }
  const open = async (name: string, backend: PluginConfig & { export: PluginConfig | null }): Promise<Backend> => {
    const volume = await openDriver('volume', backend.driver, backend.options, deps)
    shared.onClose(async () => volume.close?.())
    const exporter = backend.export && (await openDriver('export', backend.export.driver, backend.export.options, deps))
    if (exporter) shared.onClose(() => exporter.close())
    return { name, host: `${shared.config.hostName}@${name}`, volume, export: exporter }
  }
  const configured = Object.entries(configuredBackends(shared.config, shared))
  return Promise.all(configured.map(([name, backend]) => open(name, backend)))
})

/** One store for each project: backups lie in the account of their owner. */
function backupStores(shared: Shared): (projectId: string) => Promise<BackupStore> {
  const { driver, options } = shared.config.volume.backup ?? { driver: '@hearth/driver-swift', options: {} }
  const deps: DriverDeps = { run: shared.run, log: shared.log, session: shared.session('cinder') }
  return once((projectId) => openDriver('backup', driver, options, { ...deps, projectId }))
}
