import { join } from 'node:path'
import type { Running } from '@hearth/core'
import { openStorage, roles, type Storage } from '@hearth/swift'
import { once } from '../once.ts'
import type { Shared } from '../shared.ts'
import { hostAndPort, identityUrl } from '../urls.ts'

/** Opens the devices of this host; listens for other hosts only in a cluster with rings of its own. */
export async function startObjectStorage(shared: Shared): Promise<Running> {
  const storage = await storageOf(shared)
  if (shared.config.object.rings === null) return { close: async () => undefined }
  const { ip, port } = addressOf(shared)
  return roles.storage({ host: ip, port, log: shared.log, storage })
}

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
    clientTimeoutSeconds: config.object.clientTimeoutSeconds,
    minimumUploadRate: config.object.minimumUploadRate,
  })
}

export async function startObjectKeepers(shared: Shared): Promise<Running> {
  return roles.keepers({ storage: await storageOf(shared), log: shared.log })
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
    devices: devices.map((device, index) => ({ id: `sd${index + 1}`, ...device })),
    dataFolder: config.dataFolder,
    replicas: object.replicas,
    partPower: object.partitionPower,
    ...(folder === null
      ? {}
      : { rings: { account: ring('account'), container: ring('container'), object: ring('object') } }),
    address: addressOf(shared),
    secret: secrets.swift,
    certificate: folder === null ? undefined : shared.certificates('storage'),
    log,
  })
  shared.onClose(() => storage.close())
  return storage
})

function addressOf(shared: Shared): { ip: string; port: number } {
  const { host, port } = hostAndPort(shared.config.object.storageAddress)
  return { ip: host, port }
}
