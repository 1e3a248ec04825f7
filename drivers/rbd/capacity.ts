import { type BackendStats, DriverError } from '@hearth/driver'
import { gib } from './backend.ts'
import type { Pool } from './librados.ts'
import { provisionedBytes } from './manage.ts'
import type { Session } from './session.ts'
import type { VolumeOptions } from './volume-options.ts'

interface DiskFree {
  pools: { name: string; stats: { stored: number; max_avail: number } }[]
}

/** Bytes of one pool. */
interface Capacity {
  stored: number
  free: number
  /** Zero when there is none. */
  quota: number
}

/** An answer serves for this long: the cluster's own figures are seconds old anyway. */
const freshMs = 1000
/** Below this much even an empty image is refused. */
const leastFree = 1024 ** 2

/** Answers `ensureRoom` for many volumes by one question. */
export function openRoom(): (pool: Pool, name: string) => Promise<void> {
  const known = new WeakMap<Pool, { at: number; capacity: Promise<Capacity> }>()
  return async (pool, name) => {
    let entry = known.get(pool)
    if (!entry || performance.now() - entry.at > freshMs) {
      entry = { at: performance.now(), capacity: capacityOf(pool) }
      known.set(pool, entry)
    }
    const { free, quota } = await entry.capacity
    if (free >= leastFree) return
    const why = quota > 0 ? `its quota of ${quota} bytes is used up` : 'no space is left'
    throw new DriverError('no-space', `The pool ${pool.name} cannot take ${name}: ${why}`)
  }
}

async function capacityOf(pool: Pool): Promise<Capacity> {
  const [usage, limits] = await Promise.all([
    pool.cluster.command<DiskFree>({ prefix: 'df' }),
    pool.cluster.command<{ quota_max_bytes: number }>({ prefix: 'osd pool get-quota', pool: pool.name }),
  ])
  const stats = usage.pools.find(({ name }) => name === pool.name)?.stats
  if (!stats) throw new DriverError('not-found', `Ceph tells no figures of the pool ${pool.name}`)
  const quota = limits.quota_max_bytes
  const free = quota > 0 ? Math.min(stats.max_avail, Math.max(0, quota - stats.stored)) : stats.max_avail
  return { stored: stats.stored, free, quota }
}

/** Throws `unavailable` when the cluster does not answer. */
export async function statsOf(session: Session, options: VolumeOptions): Promise<BackendStats> {
  return session.use(async (pool) => {
    const { stored, free, quota } = await capacityOf(pool)
    const fixed = quota > 0 ? quota : free + stored
    const total = options.dynamicCapacity ? free + stored : fixed
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
          totalCapacityGb: inGiB(total),
          freeCapacityGb: inGiB(free),
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

const inGiB = (bytes: number) => Math.round((bytes / gib) * 100) / 100
