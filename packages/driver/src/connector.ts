/** What a volume service hands to a host that attaches, in os-brick's words. */
export interface ConnectionInfo {
  driver_volume_type: string
  data: Record<string, unknown>
}

/**
 * Attaches volumes to this host. Every method may be repeated: attaching what is attached answers the same device, detaching
 * what is gone succeeds.
 */
export interface ConnectorDriver {
  /** What this host says of itself when it asks for a connection: `initiator` and the like. */
  properties(): Promise<Record<string, unknown>>
  /** Throws DriverError `invalid` for credentials that are refused, `unavailable` when the storage does not answer. */
  attach(connection: ConnectionInfo, signal?: AbortSignal): Promise<AttachedDevice>
  /** Lets this host see the size of a volume that has grown; answers it, in bytes. */
  extend(connection: ConnectionInfo): Promise<number>
  /** Flushes, then lets go. Throws DriverError `busy` while the device is mounted or otherwise in use, and changes nothing. */
  detach(connection: ConnectionInfo): Promise<void>
  close?(): Promise<void>
}

export interface AttachedDevice {
  /** A block device or a file of this host. */
  path: string
  format: 'raw' | 'qcow2'
}
