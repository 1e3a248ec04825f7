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
  /** What the target proves itself with to initiators that ask for it. */
  mutual?: Chap | null
  /** Initiator names that may log in; empty means any that passes CHAP. */
  initiators?: string[]
}

/** An offered device, enough to build an iSCSI connection_info. */
export interface Exported {
  /** `address:port` each. */
  portals: string[]
  iqn: string
  lun: number
  chap: Chap | null
}

/** Offers devices of this host on the network. Every method may be repeated. */
export interface ExportDriver {
  /** Every request names the initiators; repeated with others, it lets those in and no more the ones left out. */
  perInitiator?: boolean
  /** Makes the target server ready: starts one where none runs, adopts a running one. */
  start(): Promise<void>
  create(request: ExportRequest, signal?: AbortSignal): Promise<Exported>
  /** Removes the target, closing its sessions. */
  remove(name: string): Promise<void>
  /** Lets sessions see the device's new size; a name that is not exported needs nothing. */
  resize?(name: string, sizeBytes: number): Promise<void>
  /** Volume names of all targets that carry this driver's prefix. */
  list(): Promise<string[]>
  /** Volume names of the targets with a logged-in initiator. */
  sessions?(): Promise<string[]>
  /** Stops the target server if this driver started it and no session is open. */
  close(): Promise<void>
}
