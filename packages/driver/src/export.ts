/** CHAP credentials of one target. */
export interface Chap {
  username: string
  password: string
}

/** A device to offer. `name` is the volume's name and becomes part of the target's name. */
export interface ExportRequest {
  name: string
  path: string
  sizeBytes: number
  blockSize: number
  chap: Chap | null
  /** Credentials by which the target authenticates itself to initiators that ask for it. */
  mutual?: Chap | null
  /** Initiator names that may log in; empty: every initiator that passes CHAP. */
  initiators?: string[]
}

/** An offered device, enough to build an iSCSI connection_info. */
export interface Exported {
  /** Each is `address:port`. */
  portals: string[]
  iqn: string
  lun: number
  chap: Chap | null
}

/** Offers devices of this host on the network. Every method may be repeated. */
export interface ExportDriver {
  /**
   * True when every request must name its initiators. A repeated request replaces the list of those that may log in.
   */
  perInitiator?: boolean
  /** Makes the target server ready: starts it, or uses a running one. */
  start(): Promise<void>
  create(request: ExportRequest, signal?: AbortSignal): Promise<Exported>
  /** Removes the target, closing its sessions. */
  remove(name: string): Promise<void>
  /** Shows the device's new size to open sessions; does nothing for a volume that is not exported. */
  resize?(name: string, sizeBytes: number): Promise<void>
  /** Volume names of all targets that carry this driver's prefix. */
  list(): Promise<string[]>
  /** Volume names of the targets with a logged-in initiator. */
  sessions?(): Promise<string[]>
  /** Stops the target server if this driver started it and no session is open. */
  close(): Promise<void>
}
