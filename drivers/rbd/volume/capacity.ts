import { type BackendStats, DriverError } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { openRemembered } from '../ceph/remembered.ts'
import type { Session } from '../ceph/session.ts'
import { found, gib } from './backend.ts'
import { provisionedBytes } from './manage.ts'
import type { VolumeOptions } from './options.ts'

interface DiskFree {
  pools: { name: string; stats: { stored: number; max_avail: number } }[]
}

/** Bytes of one pool. */
interface Capacity {
  stored: number
  free: number
  /** Zero when the pool has no quota. */
  quota: number
}

/** Milliseconds for which figures are cached: the cluster's own figures are seconds old anyway. */
const freshMs = 1000
/** With fewer free bytes even an empty image is refused. */
const leastFree = 1024 ** 2

/** Returns `ensureRoom`; the checks of many volumes share one request to the cluster. */
export function openRoom(): (pool: Pool, name: string) => Promise<void> {
  const known = openRemembered<Capacity | null>(freshMs)
  return async (pool, name) => {
    const capacity = await known(pool.name, () => capacityOf(pool))
    if (!capacity || capacity.free >= leastFree) return
    const { quota } = capacity
    const why = quota > 0 ? `its quota of ${quota} bytes is used up` : 'no space is left'
    throw new DriverError('no-space', `The pool ${pool.name} cannot take ${name}: ${why}`)
  }
}

/** Returns a pool's capacity; null in its first seconds, while the cluster has no figures yet. */
async function capacityOf(pool: Pool): Promise<Capacity | null> {
  const [usage, limits] = await Promise.all([
    pool.cluster.command<DiskFree>({ prefix: 'df' }),
    found(pool.cluster.command<{ quota_max_bytes: number }>({ prefix: 'osd pool get-quota', pool: pool.name })),
  ])
  const stats = usage.pools.find(({ name }) => name === pool.name)?.stats
  if (!stats || !limits) return null
  const quota = limits.quota_max_bytes
  const free = quota > 0 ? Math.min(stats.max_avail, Math.max(0, quota - stats.stored)) : stats.max_avail
  return { stored: stats.stored, free, quota }
}

/** Returns the backend's capacity. Throws `unavailable` when the cluster does not respond. */
export async function statsOf(session: Session, options: VolumeOptions): Promise<BackendStats> {
  return session.use(async (pool) => {
    const capacity = await capacityOf(pool)
    const provisioned = options.exclusivePool ? {} : { provisionedCapacityGb: inGiB(await provisionedBytes(pool)) }
    const fsid = await pool.cluster.fsid()
    const { clusterName, conf = '', user } = options
    return {
      vendorName: 'Open Source',
      driverVersion: '1.0',
      storageProtocol: 'ceph',
      pools: [
        {
          poolName: options.poolName ?? options.pool,
          totalCapacityGb: capacity ? inGiB(totalOf(capacity, options)) : 'unknown',
          freeCapacityGb: capacity ? inGiB(capacity.free) : 'unknown',
          ...provisioned,
          reservedPercentage: options.reservedPercentage,
          maxOverSubscriptionRatio: options.maxOverSubscriptionRatio,
          thinProvisioning: true,
          thickProvisioning: false,
          multiattach: true,
          onlineExtend: true,
          qosSupport: true,
          capabilities: {
            sparse_copy_volume: true,
            location_info: `${clusterName}:${conf}:${fsid}:${user}:${options.pool}`,
            ...options.capabilities,
          },
        },
      ],
    }
  })
}

function totalOf({ stored, free, quota }: Capacity, { dynamicCapacity }: VolumeOptions): number {
  return quota > 0 && !dynamicCapacity ? quota : free + stored
}

const inGiB = (bytes: number) => Math.round((bytes / gib) * 100) / 100
