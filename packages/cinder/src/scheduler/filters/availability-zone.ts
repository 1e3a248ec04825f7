import type { Pool } from '../../model/pools/pools.ts'
import type { PlacementRequest } from '../../model/pools/request.ts'
import { zonesOfType } from '../../model/types/zones.ts'

/** Returns true if the pool is in the requested zone, and in a zone that the volume type allows. */
export function availabilityZoneFilter(pool: Pool, request: PlacementRequest): boolean {
  const allowed = zonesOfType(request.type)
  if (allowed && !allowed.includes(pool.zone)) return false
  return request.zone === null || request.zone === pool.zone
}
