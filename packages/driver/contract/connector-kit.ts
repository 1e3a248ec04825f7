import type { Address, ConnectionInfo, ConnectorDriver, DriverLog, Runner } from '../src/index.ts'
import type { ByteProbe } from './bytes.ts'

/** A volume that waits for a host to attach it, and its bytes by another path. */
export interface OfferedVolume {
  connection: ConnectionInfo
  /** Its bytes past the connector. */
  address: Address
  /** Host where `address` means something; this one when absent. */
  run?: Runner
  /** Grows the volume and its export without a call of the connector. */
  grow(sizeBytes: number): Promise<void>
  remove(): Promise<void>
}

export interface ConnectorAbilities {
  /** The devices are block devices: they can be mounted, and are gone after detach. */
  mount?: boolean
  /** A device that a process holds open is `busy`. */
  heldOpen?: boolean
  /** A grown volume is seen without attaching anew. */
  extend?: boolean
}

export interface ConnectorContract {
  name: string
  /** Opens the driver with this log, through a runner of this log as well. */
  open(log: DriverLog): Promise<ConnectorDriver>
  /** Makes a volume reading as zeros and offers it. Bytes. */
  volume(sizeBytes: number): Promise<OfferedVolume>
  /** Runs commands on the host that attaches, where device paths mean something. */
  run: Runner
  abilities: ConnectorAbilities
  /** A connection as `volume` gives it, with credentials that are wrong. */
  wrongSecret?(): Promise<ConnectionInfo>
  /** A connection to storage that does not respond. */
  unreachable?(): Promise<ConnectionInfo>
  /** Attached volumes as the host's own tools list them: sessions, mounts, mappings. Empty without any. */
  attached?(): Promise<string[]>
  /** Strings that may be in no error and no log line, beside the passwords in connections. */
  secrets?: string[]
  /** Volumes attached at once; 10 when absent. */
  concurrency?: number
}

export interface ConnectorKit {
  contract: ConnectorContract
  driver(): ConnectorDriver
  /** A driver as another process would open it. */
  reopen(): Promise<ConnectorDriver>
  /** Bytes of attached devices. */
  bytes: ByteProbe
  /** A volume that is detached and removed after the test file. */
  offer(sizeBytes?: number): Promise<OfferedVolume>
}
