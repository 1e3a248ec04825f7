import { DriverError } from '@hearth/driver'
import type { Pool } from './librados.ts'

interface PoolUse {
  name: string
  stats: { stored: number; max_avail: number; quota_bytes: number }
}

/**
 * Reads the free bytes of a pool (capacity and quota), because Ceph enforces a quota some seconds late. Returns a
 * function that throws `no-space` for a total of more bytes than were free at that time.
 */
export async function openSpace(pool: Pool, what: string): Promise<(bytes: number) => void> {
  const { pools } = await pool.cluster.command<{ pools: PoolUse[] }>({ prefix: 'df', detail: 'detail' })
  const use = pools.find(({ name }) => name === pool.name)?.stats
  const quota = use && use.quota_bytes > 0 ? use.quota_bytes - use.stored : Number.POSITIVE_INFINITY
  const free = Math.min(quota, use?.max_avail ?? Number.POSITIVE_INFINITY)
  return (bytes) => {
    if (bytes <= free) return
    throw new DriverError(
      'no-space',
      `No room for the ${bytes} bytes of ${what} in pool ${pool.name}: ${free} are free`,
    )
  }
}
