import { isThin, virtualFree } from '../capacity.ts'
import type { Pool } from '../pools.ts'
import type { PlacementRequest } from '../request.ts'

/** GiB that may still be promised; where that is unknown or endless, last: known places come first. */
export function capacityWeigher(pool: Pool, request: PlacementRequest): number {
  return virtualFree(pool, isThin(pool, request.type.extraSpecs)) ?? -1
}
