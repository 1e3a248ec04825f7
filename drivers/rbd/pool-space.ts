import { DriverError } from '@hearth/driver'
import type { Pool } from './librados.ts'

interface PoolUse {
  name: string
  stats: { stored: number; max_avail: number; quota_bytes: number }
}

/**
 * Judges how far something may grow by what is free at its beginning: Ceph enforces a pool's quota seconds late only. What it
 * answers throws `no-space` for more bytes than that.
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
