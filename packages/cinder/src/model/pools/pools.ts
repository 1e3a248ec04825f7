import { own } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { PoolStats } from '@hearth/driver'
import { isUp, listServices, type ReportedStats, type ServiceRow } from '../services/store.ts'

type Capacity = number | 'unknown' | 'infinite'

/** A pool that can hold volumes, with all that filters and weighers use. Capacities are GiB. */
export interface Pool {
  /** `host1@file#pool`. */
  host: string
  /** `host1@file`. */
  backend: string
  zone: string
  /** Time of the report that these values come from, in milliseconds since the epoch. */
  reportedAt: number
  total: Capacity
  free: Capacity
  allocated: number
  provisioned: number
  reservedPercentage: number
  maxOverSubscriptionRatio: number
  thin: boolean
  thick: boolean
  /** Values that extra specs are compared with. */
  capabilities: Record<string, unknown>
}

/** Returns the pools of all volume services that are enabled, up and not frozen. */
export async function readPools(q: Query): Promise<Pool[]> {
  const services = await listServices(q, { binary: 'cinder-volume' })
  return services.filter((service) => !service.disabled && !service.frozen && isUp(service)).flatMap(poolsOf)
}

/** Returns the pools in the last report of a service; none before its first report. */
function poolsOf(service: ServiceRow): Pool[] {
  if (service.stats === null) return []
  const stats = JSON.parse(service.stats) as ReportedStats
  return stats.pools.map((pool) => poolOf(service, stats, pool))
}

function poolOf(service: ServiceRow, stats: ReportedStats, pool: PoolStats): Pool {
  const host = `${service.host}#${pool.poolName}`
  const allocated = own(stats.allocatedGb, host) ?? 0
  // Volumes that are placed but not created yet count too.
  const provisioned = Math.max(pool.provisionedCapacityGb ?? 0, allocated)
  return {
    host,
    backend: service.host,
    zone: service.zone,
    reportedAt: service.heartbeat_at,
    total: pool.totalCapacityGb,
    free: pool.freeCapacityGb,
    allocated,
    provisioned,
    reservedPercentage: pool.reservedPercentage,
    maxOverSubscriptionRatio: pool.maxOverSubscriptionRatio,
    thin: pool.thinProvisioning,
    thick: pool.thickProvisioning,
    capabilities: {
      ...pool.capabilities,
      volume_backend_name: stats.backendName,
      vendor_name: stats.vendorName,
      driver_version: stats.driverVersion,
      storage_protocol: stats.storageProtocol,
      pool_name: pool.poolName,
      total_capacity_gb: pool.totalCapacityGb,
      free_capacity_gb: pool.freeCapacityGb,
      allocated_capacity_gb: allocated,
      provisioned_capacity_gb: provisioned,
      reserved_percentage: pool.reservedPercentage,
      max_over_subscription_ratio: String(pool.maxOverSubscriptionRatio),
      thin_provisioning_support: pool.thinProvisioning,
      thick_provisioning_support: pool.thickProvisioning,
      multiattach: pool.multiattach,
      online_extend_support: pool.onlineExtend,
      QoS_support: pool.qosSupport,
      replication_enabled: false,
      backend_state: stats.backendState ?? 'up',
    },
  }
}
