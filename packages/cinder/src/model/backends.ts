import type { ExportDriver, VolumeDriver } from '@hearth/driver'

interface Named {
  /** Name that extra specs compare with `volume_backend_name`. */
  name: string
  /** Address of the backend in messages and rows: `host1@file`. */
  host: string
  /** Availability zone; the deployment's default when absent. */
  zone?: string
}

/** One storage backend of a host: a volume driver and, if that driver makes devices, an export driver for them. */
export interface Backend extends Named {
  volume: VolumeDriver
  export: ExportDriver | null
  /** The storage is on another host, so none of its files are in this host's file system. */
  isRemote?: boolean
  /** Only this backend uses its storage and target server, so orphans may be removed. */
  isExclusive?: boolean
  /** Connections report that volumes of this backend support discard. */
  reportDiscard?: boolean
}

/** A backend whose storage may not be available yet. */
export interface BackendSource extends Named {
  /** Opens the drivers once and returns the same backend after that. Throws if they fail; a later call tries again. */
  open(): Promise<Backend>
}

/** Returns the backend, opened first if it is not open yet. Throws the error of a driver that does not open. */
export async function openBackend(backend: Backend | BackendSource): Promise<Backend> {
  return 'open' in backend ? backend.open() : backend
}
