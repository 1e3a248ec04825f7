import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ImageCache } from './cache/cache.ts'
import type { Hashing } from './images/hashing.ts'
import type { Imports } from './imports/jobs.ts'
import type { Staging } from './imports/staging.ts'
import type { Settings } from './settings.ts'
import type { Stores } from './stores/stores.ts'

/** What operations are handed; each names the part of it that it uses. */
export interface GlanceDeps {
  database: Database
  stores: Stores
  settings: Settings
  hashing: Hashing
  /** Name of this API process among all, the same after a restart. */
  worker: string
  log: Logger
}

/** What the API's rows are handed. */
export interface ApiDeps extends GlanceDeps {
  importMethods: readonly string[]
  staging: Staging
  imports: Imports
  /** Null where caching is off. */
  cache: ImageCache | null
}
