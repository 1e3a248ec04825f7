import type { Logger } from '@hearth/core'
import type { TimestampSource } from '../model/timestamps.ts'
import type { Storage } from '../placement/open-storage.ts'

/** Milliseconds from the end of one round to the next. */
export interface KeeperIntervals {
  expire: number
  updateListings: number
  reportContainers: number
  replicate: number
  reclaim: number
  audit: number
  fill: number
  repair: number
}

export interface KeeperDeps {
  storage: Storage
  timestamps: TimestampSource
  log: Logger
  reclaimAge: number
  /** Bytes per second that the auditor reads on each device, a limit that leaves the device to clients. */
  auditRate: number
  /** False once the keepers are closing: long rounds look and stop. */
  goOn(): boolean
}
