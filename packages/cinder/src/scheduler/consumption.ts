import type { Pool } from '../model/pools/pools.ts'

/** Space that this scheduler has given to volumes on each pool since the pool's last report. */
export interface Consumption {
  /** Returns the pools with that space subtracted. */
  apply(pools: Pool[]): Pool[]
  /** Counts a new volume until the pool's next report. */
  add(pool: Pool, sizeGiB: number): void
}

/** Returns the record of space given to volumes; empty at first, in memory only. */
export function openConsumption(): Consumption {
  const consumed = new Map<string, { reportedAt: number; gib: number }>()
  return {
    apply(pools) {
      return pools.map((pool) => {
        const since = consumed.get(pool.host)
        if (!since || since.reportedAt !== pool.reportedAt) return pool
        return {
          ...pool,
          free: typeof pool.free === 'number' ? pool.free - since.gib : pool.free,
          allocated: pool.allocated + since.gib,
          provisioned: pool.provisioned + since.gib,
        }
      })
    },
    add(pool, sizeGiB) {
      const since = consumed.get(pool.host)
      const gib = since?.reportedAt === pool.reportedAt ? since.gib : 0
      consumed.set(pool.host, { reportedAt: pool.reportedAt, gib: gib + sizeGiB })
    },
  }
}
