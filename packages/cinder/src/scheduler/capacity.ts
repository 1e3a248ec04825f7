import type { Pool } from '../model/pools/pools.ts'

const round = (gib: number): number => Math.round(gib * 100) / 100

/** Returns true if the volume will be thin: the pool supports it and the extra specs do not require a thick volume. */
export function isThin(pool: Pool, extraSpecs: Record<string, string>): boolean {
  return extraSpecs['provisioning:type'] !== 'thick' && pool.thin
}

/**
 * Returns the GiB that may be provisioned in total, with over-subscription for thin volumes. Null if the pool's
 * capacity is not a number.
 */
export function virtualTotal(pool: Pool, thin: boolean): number | null {
  if (typeof pool.total !== 'number') return null
  const available = pool.total - Math.floor((pool.total * pool.reservedPercentage) / 100)
  return round(thin ? available * pool.maxOverSubscriptionRatio : available)
}

/**
 * Returns the GiB that may still be provisioned (cinder/utils.py `calculate_capacity_factors`). Thin: virtual total
 * minus provisioned. Thick: the smaller of free space and space not provisioned. Null if the pool's capacity is not a
 * number.
 */
export function virtualFree(pool: Pool, thin: boolean): number | null {
  const total = virtualTotal(pool, thin)
  if (total === null || typeof pool.free !== 'number') return null
  if (thin) return round(total - pool.provisioned)
  const reserved = Math.floor(((pool.total as number) * pool.reservedPercentage) / 100)
  return round(Math.min(pool.free - reserved, total - pool.provisioned))
}
