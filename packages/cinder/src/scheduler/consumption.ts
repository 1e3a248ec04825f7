import type { Pool } from './pools.ts'

/** What this scheduler has promised on each pool since the pool's last report. */
export interface Consumption {
  /** The pools with those promises taken off. */
  apply(pools: Pool[]): Pool[]
  add(pool: Pool, sizeGiB: number): void
}

export function openConsumption(): Consumption {
  const promised = new Map<string, { reportedAt: number; gib: number }>()
  return {
    apply(pools) {
      return pools.map((pool) => {
        const since = promised.get(pool.host)
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
      const since = promised.get(pool.host)
      const gib = since?.reportedAt === pool.reportedAt ? since.gib : 0
      promised.set(pool.host, { reportedAt: pool.reportedAt, gib: gib + sizeGiB })
    },
  }
}
