import type { Bus } from '@hearth/bus'
import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ComputeClient } from './clients/compute.ts'
import type { ImageClient } from './clients/image.ts'

/** What operations of the API role are handed. */
export interface ApiDeps {
  database: Database
  bus: Bus
  log: Logger
  images: ImageClient
  /** Null where no Compute service is known. */
  compute: ComputeClient | null
  /** Zone of volumes that name none. */
  defaultZone: string
  /** Largest volume, GiB. */
  maxVolumeSize: number
}
