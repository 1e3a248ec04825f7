import type { ExportDriver, VolumeDriver } from '@hearth/driver'

/** One storage backend of a host: a volume driver and, for drivers that make devices, what offers them. */
export interface Backend {
  /** As extra specs see it in `volume_backend_name`. */
  name: string
  /** `host1@file`: how messages and rows address it. */
  host: string
  volume: VolumeDriver
  export: ExportDriver | null
  /** Availability zone; the deployment's default when absent. */
  zone?: string
}
