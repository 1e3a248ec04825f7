import type { ExportDriver, VolumeDriver } from '@hearth/driver'

interface Named {
  /** As extra specs see it in `volume_backend_name`. */
  name: string
  /** `host1@file`: how messages and rows address it. */
  host: string
  /** Availability zone; the deployment's default when absent. */
  zone?: string
}

/** One storage backend of a host: a volume driver and, for drivers that make devices, what offers them. */
export interface Backend extends Named {
  volume: VolumeDriver
  export: ExportDriver | null
  /** Its storage is on another host: nothing of it is to be found in this host's file system. */
  remote?: boolean
  /** Nobody else keeps volumes on this storage or target server: what no row knows may be removed. */
  exclusive?: boolean
  /** Connections say that the volumes of this backend understand discard. */
  reportDiscard?: boolean
}

/** A backend whose storage may not be there yet. */
export interface BackendSource extends Named {
  /** Opens the drivers, once. Throws what keeps them from opening; may be called again then. */
  open(): Promise<Backend>
}

/** Opens a backend that is not open yet. */
export async function openBackend(backend: Backend | BackendSource): Promise<Backend> {
  return 'open' in backend ? backend.open() : backend
}
