import { type Context, isoMicroseconds } from '@hearth/core'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { capabilitiesFilter } from '../../model/pools/capabilities.ts'
import { type Pool, readPools } from '../../model/pools/pools.ts'
import { listServices, type ReportedStats } from '../../model/services/store.ts'
import { findVolumeType } from '../../model/types/store.ts'
import type { ApiDeps } from '../deps.ts'
import { isTrue } from '../listing.ts'

/** GET /scheduler-stats/get_pools: the pools that the scheduler may use, filtered by name or volume type. */
export async function listPools(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const detail = isTrue(queryValue(request.query, 'detail'))
  const pools = await filterPools(context, request, deps, await readPools(deps.database.query))
  return {
    pools: pools.map((pool) => (detail ? { name: pool.host, capabilities: detailOf(pool) } : { name: pool.host })),
  }
}

function detailOf(pool: Pool): Record<string, unknown> {
  return { ...pool.capabilities, timestamp: isoMicroseconds(pool.reportedAt) }
}

async function filterPools(context: Context, request: ApiRequest, deps: ApiDeps, pools: Pool[]): Promise<Pool[]> {
  let matching = pools
  const name = queryValue(request.query, 'name')
  if (name !== undefined && context.allows('filter-pools')) matching = matching.filter((pool) => pool.host === name)
  const wanted = queryValue(request.query, 'volume_type')
  if (wanted !== undefined && context.allows('filter-pools-by-type')) {
    const type = await findVolumeType(deps.database.query, wanted, context)
    const none = { volumeId: '', sizeGiB: 0, zone: null, excluded: [], pinned: null, currentPool: null, hints: null }
    matching = matching.filter((pool) => capabilitiesFilter(pool, { ...none, type }))
  }
  return matching
}

/** GET /capabilities/{host@backend}. Throws ServiceNotFound (404). */
export async function showCapabilities(_context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const host = request.params.host!.split('#', 1)[0]!
  const services = await listServices(deps.database.query, { binary: 'cinder-volume' })
  const service = services.find((one) => one.host === host)
  if (!service || service.stats === null) throw errors.ServiceNotFound({ service_id: host })
  const stats = JSON.parse(service.stats) as ReportedStats
  return {
    namespace: `OS::Storage::Capabilities::${host}`,
    vendor_name: stats.vendorName,
    volume_backend_name: stats.backendName,
    pool_name: null,
    driver_version: stats.driverVersion,
    storage_protocol: stats.storageProtocol,
    display_name: null,
    description: null,
    visibility: null,
    replication_targets: [],
    properties: {
      thin_provisioning: { title: 'Thin Provisioning', description: 'Sets thin provisioning.', type: 'boolean' },
      compression: { title: 'Compression', description: 'Enables compression.', type: 'boolean' },
      qos: { title: 'QoS', description: 'Enables QoS.', type: 'boolean' },
      replication_enabled: { title: 'Replication', description: 'Enables replication.', type: 'boolean' },
    },
  }
}
