import type { Logger, Running } from '@hearth/core'
import type { Storage } from '../open-storage.ts'
import { openTimestamps, type TimestampSource } from '../timestamps.ts'
import { auditDevices } from './audit.ts'
import { expireObjects } from './expire.ts'
import { reclaimTombstones } from './reclaim.ts'
import { replicateDevices } from './replicate.ts'
import { reportContainers } from './report-containers.ts'
import { updateListings } from './update-listings.ts'

/** Milliseconds from the end of one round to the next. */
export interface KeeperIntervals {
  expire: number
  updateListings: number
  reportContainers: number
  replicate: number
  reclaim: number
  audit: number
}

export const defaultIntervals: KeeperIntervals = {
  expire: 5_000,
  updateListings: 5_000,
  reportContainers: 5_000,
  replicate: 30_000,
  reclaim: 3_600_000,
  audit: 6 * 3_600_000,
}

export interface KeeperDeps {
  storage: Storage
  timestamps: TimestampSource
  log: Logger
  reclaimAge: number
  /** False once the keepers are closing: long rounds look and stop. */
  goOn(): boolean
}

const keepers: Record<keyof KeeperIntervals, (deps: KeeperDeps) => Promise<unknown>> = {
  expire: expireObjects,
  updateListings,
  reportContainers,
  replicate: replicateDevices,
  reclaim: reclaimTombstones,
  audit: auditDevices,
}

/** Milliseconds before the first round of what need not happen at every start. */
const firstRest: Partial<KeeperIntervals> = { audit: 600_000 }
const names = Object.keys(keepers) as (keyof KeeperIntervals)[]

/** Starts every keeper; each begins at once, or after its first rest, and then rests for its interval. */
export function openKeepers(options: {
  storage: Storage
  log: Logger
  intervals?: Partial<KeeperIntervals>
  reclaimAge?: number
}): Running {
  let open = true
  const deps: KeeperDeps = {
    storage: options.storage,
    timestamps: openTimestamps(),
    log: options.log,
    reclaimAge: options.reclaimAge ?? 604_800,
    goOn: () => open,
  }
  const intervals = { ...defaultIntervals, ...options.intervals }
  const wakers = new Set<() => void>()
  const loops = names.map(async (name) => {
    const round = keepers[name]
    await rest(firstRest[name] ?? 0, wakers)
    while (open) {
      await round(deps).catch((error: unknown) => options.log.warn({ err: error, keeper: name }, 'a keeper failed'))
      if (open) await rest(intervals[name], wakers)
    }
  })
  return {
    async close() {
      open = false
      for (const wake of wakers) wake()
      await Promise.all(loops)
    },
  }
}

function rest(milliseconds: number, wakers: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      wakers.delete(wake)
      resolve()
    }
    const timer = setTimeout(wake, milliseconds)
    timer.unref()
    wakers.add(wake)
  })
}
