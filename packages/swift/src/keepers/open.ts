import type { Logger, Running } from '@hearth/core'
import type { Storage } from '../placement/open-storage.ts'
import { auditDevices, repairReported } from './audit.ts'
import type { KeeperDeps, KeeperIntervals } from './deps.ts'
import { expireObjects } from './expire.ts'
import { fillDevices } from './fill.ts'
import { reclaimTombstones } from './reclaim.ts'
import { replicateDevices } from './replicate.ts'
import { reportContainers } from './report-containers.ts'
import { updateListings } from './update-listings.ts'

const defaultIntervals: KeeperIntervals = {
  expire: 5_000,
  updateListings: 5_000,
  reportContainers: 5_000,
  replicate: 30_000,
  reclaim: 3_600_000,
  audit: 6 * 3_600_000,
  fill: 10_000,
  repair: 60_000,
}

const keepers: Record<keyof KeeperIntervals, (deps: KeeperDeps) => Promise<unknown>> = {
  expire: expireObjects,
  updateListings,
  reportContainers,
  replicate: replicateDevices,
  reclaim: reclaimTombstones,
  audit: auditDevices,
  fill: fillDevices,
  repair: repairReported,
}

const names = Object.keys(keepers) as (keyof KeeperIntervals)[]

export interface KeepersOptions {
  storage: Storage
  log: Logger
  intervals?: Partial<KeeperIntervals>
  /** Seconds for which deletions are remembered; a week when absent. */
  reclaimAge?: number
  /** Bytes that the auditor of each device reads a second; 20 MiB when absent. */
  auditRate?: number
  /** Milliseconds from the start to the first audit; a minute when absent. */
  firstAudit?: number
}

/** Starts every keeper; each begins at once, but the auditor, and then rests for its interval or until it is needed. */
export function openKeepers(options: KeepersOptions): Running {
  let open = true
  const deps: KeeperDeps = {
    storage: options.storage,
    timestamps: options.storage.timestamps,
    log: options.log,
    reclaimAge: options.reclaimAge ?? 604_800,
    auditRate: options.auditRate ?? 20 * 1024 * 1024,
    goOn: () => open,
  }
  const intervals = { ...defaultIntervals, ...options.intervals }
  const wakers = new Set<() => void>()
  const repairers = new Set<() => void>()
  // Damage that is reported while a round runs may come too late for it.
  let isReported = false
  for (const { damage } of options.storage.devices.values())
    damage.onAdd = () => {
      isReported = true
      for (const wake of repairers) wake()
    }
  const loops = names.map(async (name) => {
    const round = keepers[name]
    if (name === 'audit') await rest(options.firstAudit ?? 60_000, wakers)
    while (open) {
      if (name === 'repair') isReported = false
      await round(deps).catch((error: unknown) => options.log.warn({ err: error, keeper: name }, 'a keeper failed'))
      if (name === 'repair' && isReported) continue
      if (open) await rest(intervals[name], name === 'repair' ? repairers : wakers)
    }
  })
  return {
    async close() {
      open = false
      for (const wake of [...wakers, ...repairers]) wake()
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
    wakers.add(wake)
  })
}
