import type { Bus } from '@hearth/bus'
import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { Exclusive, ServiceSession } from '@hearth/driver'
import type { Backend } from '../model/backends.ts'
import type { ComputeClient } from '../model/clients/compute.ts'
import type { ImageClient } from '../model/clients/image.ts'
import type { ImageCache } from './image-cache/cache.ts'
import type { QemuImg } from './image-cache/qemu-img.ts'

/** Dependencies of the handlers of the volume role. */
export interface BackendDeps {
  database: Database
  bus: Bus
  log: Logger
  backend: Backend
  /** All backends of this process, including `backend`, by host (`host1@file`); null while a backend is not open. */
  localBackends: Map<string, Backend | null>
  /** Runs one operation at a time on each volume, by its id. */
  withLock: Exclusive
  session: ServiceSession
  images: ImageClient
  compute: ComputeClient | null
  imageCache: ImageCache
  qemu: QemuImg
  /** Folder for downloads and conversions. */
  workFolder: string
  /** Id of this volume service's row. */
  serviceId: string
  /** Fires when the role closes: long work stops, and recovery resumes it after the next start. */
  signal: AbortSignal
}
