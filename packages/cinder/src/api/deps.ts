import type { Bus } from '@hearth/bus'
import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ComputeClient } from '../model/clients/compute.ts'
import type { ImageClient } from '../model/clients/image.ts'

/** Dependencies of the operations of the API role. */
export interface ApiDeps {
  database: Database
  bus: Bus
  log: Logger
  images: ImageClient
  /** Null if no Compute service is configured. */
  compute: ComputeClient | null
  /** Availability zone of volumes that request none. */
  defaultZone: string
  /** Largest volume, GiB. */
  maxVolumeSize: number
}
