import type { Pool } from '../../model/pools/pools.ts'
import type { PlacementRequest } from '../../model/pools/request.ts'
import { isThin, virtualFree, virtualTotal } from '../capacity.ts'

/** Returns true if the pool has space for the volume (cinder/scheduler/filters/capacity_filter.py). */
export function capacityFilter(pool: Pool, request: PlacementRequest): boolean {
  if (request.sizeGiB === 0 || request.currentPool === pool.host) return true
  if (pool.free === null || pool.free === undefined) return false
  if (pool.free === 'infinite' || pool.free === 'unknown') return true
  if (typeof pool.total !== 'number') return pool.reservedPercentage === 0
  if (pool.total <= 0) return false
  const thin = isThin(pool, request.type.extraSpecs)
  const free = virtualFree(pool, thin)!
  if (!thin) return free >= request.sizeGiB
  if (pool.maxOverSubscriptionRatio < 1) return false
  const total = virtualTotal(pool, thin)!
  // The total includes the over-subscription ratio already; upstream compares with the ratio again.
  if (total <= 0 || (pool.provisioned + request.sizeGiB) / total > pool.maxOverSubscriptionRatio) return false
  return free >= request.sizeGiB
}
