import { capabilitiesFilter } from '../model/pools/capabilities.ts'
import type { Pool } from '../model/pools/pools.ts'
import type { PlacementRequest } from '../model/pools/request.ts'
import { availabilityZoneFilter } from './filters/availability-zone.ts'
import { capacityFilter } from './filters/capacity.ts'
import { capacityWeigher } from './weighers/capacity.ts'

type Filter = (pool: Pool, request: PlacementRequest) => boolean
type Weigher = (pool: Pool, request: PlacementRequest) => number

const filters: Filter[] = [
  (pool) => pool.capabilities.backend_state !== 'down',
  (pool, request) => !request.excluded.includes(pool.backend),
  (pool, request) => request.pinned === null || pool.backend === request.pinned,
  availabilityZoneFilter,
  capacityFilter,
  capabilitiesFilter,
]
const weighers: { weigh: Weigher; multiplier: number }[] = [{ weigh: capacityWeigher, multiplier: 1 }]

/** Returns the pools that pass all filters, best first by the weighers. */
export function rankPools(pools: Pool[], request: PlacementRequest): Pool[] {
  const fitting = pools.filter((pool) => filters.every((filter) => filter(pool, request)))
  const scores = fitting.map(() => 0)
  for (const { weigh, multiplier } of weighers) {
    const weights = normalize(fitting.map((pool) => weigh(pool, request)))
    weights.forEach((weight, index) => {
      scores[index]! += weight * multiplier
    })
  }
  return fitting
    .map((pool, index) => ({ pool, score: scores[index]! }))
    .sort((a, b) => b.score - a.score)
    .map(({ pool }) => pool)
}

/** Scales the weights to the range from 0 (smallest) to 1 (largest); all 0 if they are equal. */
function normalize(weights: number[]): number[] {
  const least = Math.min(...weights)
  const span = Math.max(...weights) - least
  return weights.map((weight) => (span === 0 ? 0 : (weight - least) / span))
}
