import { join } from 'node:path'
import type { Running } from '@hearth/core'
import { observeDevices, openStorage, roles, type Storage } from '@hearth/swift'
import { objectSalt } from '../object-salt.ts'
import { once } from '../once.ts'
import { hasStorageListener } from '../role-names.ts'
import type { Shared } from '../shared.ts'
import { hostAndPort, identityUrl } from '../urls.ts'

/** Opens the devices of this host, and listens where processes of this or other hosts have to reach them. */
export async function startObjectStorage(shared: Shared): Promise<Running> {
  const storage = await storageOf(shared)
  if (!hasStorageListener(shared.config, shared.roles)) return { close: async () => undefined }
  const { ip, port } = addressOf(shared)
  return roles.storage({ host: ip, port, log: shared.log, storage })
}

/** Starts the API of the object store. */
export async function startObjectProxy(shared: Shared): Promise<Running> {
  const { config, log, metrics } = shared
  return roles.proxy({
    host: config.host,
    port: config.object.port,
    publicUrl: config.object.publicUrl ?? undefined,
    proxies: shared.proxies,
    certificate: shared.certificates('object'),
    authUrl: identityUrl(config),
    authenticator: await shared.authenticator('swift'),
    storage: await storageOf(shared),
    log,
    metrics,
    metricsToken: shared.metricsToken,
    readiness: shared.health.readiness('swift.proxy'),
    clientTimeoutSeconds: config.object.clientTimeoutSeconds,
    minimumUploadRate: config.object.minimumUploadRate,
    maxConnections: config.http.maxConnections,
  })
}

/** Starts the keepers of the object store. */
export async function startObjectKeepers(shared: Shared): Promise<Running> {
  const { bytesPerSecond, intervalHours, firstAfterSeconds } = shared.config.object.audit
  return roles.keepers({
    storage: await storageOf(shared),
    log: shared.log,
    auditRate: bytesPerSecond,
    firstAudit: firstAfterSeconds * 1000,
    intervals: { audit: intervalHours * 3_600_000 },
  })
}

/** The devices of this process, opened once for all its roles. */
const storageOf = once(async (shared: Shared): Promise<Storage> => {
  const { config, folders, log, secrets } = shared
  const { object } = config
  const folder = object.rings
  const ring = (name: string): string => join(folder!, `${name}.ring.gz`)
  const devices =
    object.devices ?? [1, 2, 3].map((zone) => ({ path: join(folders.objects, `sd${zone}`), zone, weight: 100 }))
  const storage = await openStorage({
    // A device belongs to one process; others of this host reach it through that one.
    ownsDevices: shared.roles.includes('swift.storage'),
    devices: devices.map((device, index) => ({ id: `sd${index + 1}`, ...device })),
    dataFolder: config.dataFolder,
    replicas: object.replicas,
    partPower: object.partitionPower,
    ...(folder === null
      ? {}
      : { rings: { account: ring('account'), container: ring('container'), object: ring('object') } }),
    address: addressOf(shared),
    salt: objectSalt(secrets.objectSalt, folders.rings, folders.secrets),
    secret: secrets.storagePlane,
    certificate: folder === null ? undefined : shared.certificates('storage'),
    log,
  })
  observeDevices(shared.metrics, storage.devices)
  shared.onClose(() => storage.close())
  for (const [id, device] of storage.devices)
    shared.health.add({
      name: `object device ${id}`,
      roles: ['swift.storage', 'swift.proxy', 'swift.keepers'],
      async run() {
        await device.look()
        const { state, reason } = device.state()
        if (state === 'offline' || state === 'damaged') throw new Error(`${state}: ${reason ?? 'the log says why'}`)
      },
    })
  return storage
})

function addressOf(shared: Shared): { ip: string; port: number } {
  const { host, port } = hostAndPort(shared.config.object.storageAddress)
  return { ip: host, port }
}
