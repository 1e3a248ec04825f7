import type { Bus } from '@hearth/bus'
import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { Exclusive, ServiceSession } from '@hearth/driver'
import type { Backend } from '../backends.ts'
import type { ComputeClient } from '../clients/compute.ts'
import type { ImageClient } from '../clients/image.ts'
import type { ImageCache } from '../image-cache/cache.ts'
import type { QemuImg } from '../image-cache/qemu-img.ts'

/** What the halves of operations beside the driver are handed. */
export interface BackendDeps {
  database: Database
  bus: Bus
  log: Logger
  backend: Backend
  /** The backends of this process, this one too, by host (`host1@file`); null while they are not open. */
  neighbours: Map<string, Backend | null>
  /** One operation at a time on each volume. */
  exclusive: Exclusive
  session: ServiceSession
  images: ImageClient
  compute: ComputeClient | null
  imageCache: ImageCache
  qemu: QemuImg
  /** For downloads and conversions. */
  workFolder: string
  /** Row of this volume service. */
  serviceId: string
  /** Fires when the role closes: long work stops and is taken up after the next start. */
  signal: AbortSignal
}
