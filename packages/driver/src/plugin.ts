import type { BackupStore } from './backup.ts'
import type { ConnectorDriver } from './connector.ts'
import type { ExportDriver } from './export.ts'
import type { ImageStore } from './image.ts'
import type { DriverLog } from './log.ts'
import type { Reserve } from './reserve.ts'
import type { Runner } from './runner.ts'
import type { VolumeDriver } from './volume.ts'

/** Dependencies that every driver factory receives. */
export interface DriverDeps {
  /** Runs commands on the host that owns the storage. */
  run: Runner
  /** True when `run` runs commands on another host: this host's file system has no access to the storage. */
  remote?: boolean
  log: DriverLog
  /** Access to other services with the service user's project, for drivers that store their bytes in a service. */
  session?: ServiceSession
  /** Free space that drivers must leave on this host's disks; the default rule when absent. */
  reserve?: Reserve
}

/** Authenticated access to another OpenStack service for drivers that store their bytes there. */
export interface ServiceSession {
  /** A valid token of the service user. */
  token(): Promise<string>
  /** Base URL of a service type in the catalog, e.g. `object-store`. */
  endpoint(serviceType: string, projectId?: string): Promise<string>
  /** Project of the service user. */
  projectId(): Promise<string>
  /** Drops a token that got status 401. Returns true when the next call logs in again, so that a retry may help. */
  refused?(token: string): boolean
}

export interface Roles {
  volume?(options: Record<string, unknown>, deps: DriverDeps): Promise<VolumeDriver>
  export?(options: Record<string, unknown>, deps: DriverDeps): Promise<ExportDriver>
  connector?(options: Record<string, unknown>, deps: DriverDeps): Promise<ConnectorDriver>
  image?(options: Record<string, unknown>, deps: DriverDeps): Promise<ImageStore>
  backup?(options: Record<string, unknown>, deps: DriverDeps & { projectId?: string }): Promise<BackupStore>
}

/** Default export of a driver package. */
export interface DriverPlugin {
  /** Version of this contract. */
  contract: 1
  /** Kind of storage, such as `rbd`; services show and record it. Lower-case letters, digits, `-`. */
  kind: string
  /** JSON schema of each role's options; an unknown key is an error that names the key. */
  options: Partial<Record<keyof Roles, object>>
  roles: Roles
}
