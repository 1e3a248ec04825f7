import type { Pool } from '../../model/pools/pools.ts'
import type { PlacementRequest } from '../../model/pools/request.ts'
import { isThin, virtualFree } from '../capacity.ts'

/**
 * Returns the GiB that may still be provisioned; -1 if unknown or infinite, so that pools of known capacity come first.
 */
export function capacityWeigher(pool: Pool, request: PlacementRequest): number {
  return virtualFree(pool, isThin(pool, request.type.extraSpecs)) ?? -1
}
