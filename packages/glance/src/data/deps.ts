import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { Hashing } from './hashing.ts'
import type { Settings } from './settings.ts'
import type { Stores } from './stores.ts'

/** Dependencies of operations; each names the part that it uses. */
export interface GlanceDeps {
  database: Database
  stores: Stores
  settings: Settings
  hashing: Hashing
  /** Name of this API process among all, the same after a restart. */
  worker: string
  log: Logger
}
