/** The connection that a volume service sends to the attaching host, with os-brick's keys. */
export interface ConnectionInfo {
  driver_volume_type: string
  data: Record<string, unknown>
}

/**
 * Attaches volumes to this host. Every method may be repeated: attaching an attached volume returns the same device,
 * and detaching a detached volume succeeds.
 */
export interface ConnectorDriver {
  /** Properties of this host that a request for a connection contains, such as `initiator`. */
  properties(): Promise<Record<string, unknown>>
  /** Throws DriverError `invalid` for credentials that are refused, `unavailable` when the storage does not respond. */
  attach(connection: ConnectionInfo, signal?: AbortSignal): Promise<AttachedDevice>
  /** Makes this host see the new size of a volume that has grown. Returns the size in bytes. */
  extend(connection: ConnectionInfo): Promise<number>
  /** Flushes and detaches. Throws `busy` and changes nothing while the device is mounted or otherwise in use. */
  detach(connection: ConnectionInfo): Promise<void>
  close?(): Promise<void>
}

export interface AttachedDevice {
  /** A block device or a file of this host. */
  path: string
  format: 'raw' | 'qcow2'
}
