import type { BackupStore } from './backup.ts'
import type { ConnectorDriver } from './connector.ts'
import type { ExportDriver } from './export.ts'
import type { ImageStore } from './image.ts'
import type { DriverLog } from './log.ts'
import type { Reserve } from './reserve.ts'
import type { Runner } from './runner.ts'
import type { VolumeDriver } from './volume.ts'

/** What every driver factory is handed. */
export interface DriverDeps {
  /** Runs commands on the host that owns the storage. */
  run: Runner
  /** `run` reaches another host: nothing of the storage is to be found in this host's file system. */
  remote?: boolean
  log: DriverLog
  /** A token to speak to other services with, for drivers that store in one; project of the acting service. */
  session?: ServiceSession
  /** What drivers that write to this host's disks leave free; the default rule when absent. */
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
  /** Forgets a token that the other service refused with 401. True when the next call logs in anew, and sending again may help. */
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
  /** Kind of storage in one word (`rbd`): services show it and record it with what they store. Small letters, digits, `-`. */
  kind: string
  /** JSON schema of each role's options; unknown keys are refused with their names. */
  options: Partial<Record<keyof Roles, object>>
  roles: Roles
}
