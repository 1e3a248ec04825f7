import type { Pool } from './pools.ts'

const round = (gib: number): number => Math.round(gib * 100) / 100

/** True when extra specs ask for thick volumes or the pool cannot do thin ones. */
export function isThin(pool: Pool, extraSpecs: Record<string, string>): boolean {
  return extraSpecs['provisioning:type'] !== 'thick' && pool.thin
}

/** What may be promised in all, with over-subscription for thin volumes; null where capacities are no numbers. */
export function virtualTotal(pool: Pool, thin: boolean): number | null {
  if (typeof pool.total !== 'number') return null
  const available = pool.total - Math.floor((pool.total * pool.reservedPercentage) / 100)
  return round(thin ? available * pool.maxOverSubscriptionRatio : available)
}

/**
 * What may still be promised (cinder/utils.py `calculate_capacity_factors`): thin counts promises against the virtual
 * total, thick takes the smaller of really free and not allocated. Null where capacities are no numbers.
 */
export function virtualFree(pool: Pool, thin: boolean): number | null {
  const total = virtualTotal(pool, thin)
  if (total === null || typeof pool.free !== 'number') return null
  if (thin) return round(total - pool.provisioned)
  const reserved = Math.floor(((pool.total as number) * pool.reservedPercentage) / 100)
  return round(Math.min(pool.free - reserved, total - pool.provisioned))
}
