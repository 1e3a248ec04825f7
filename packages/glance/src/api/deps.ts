import type { ImageCache } from '../data/cache.ts'
import type { GlanceDeps } from '../data/deps.ts'
import type { Staging } from '../data/staging.ts'
import type { Imports } from '../imports/jobs.ts'

/** Dependencies of the API's operations. */
export interface ApiDeps extends GlanceDeps {
  importMethods: readonly string[]
  staging: Staging
  imports: Imports
  /** Null where caching is off. */
  cache: ImageCache | null
}
