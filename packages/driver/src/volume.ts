import type { Blocks } from './blocks.ts'

/** A volume as its driver sees it. `name` is unique on the backend and safe as a file name: `volume-<uuid>`. */
export interface VolumeRef {
  id: string
  name: string
  /** GiB. */
  sizeGiB: number
  /** Location that `create…` of this driver returned earlier; the caller stores it. */
  providerLocation?: string | null
  /** True when several hosts may attach it at once. */
  multiattach?: boolean
}

/** A snapshot and the volume it belongs to. `name` is `snapshot-<uuid>`. */
export interface SnapshotRef {
  id: string
  name: string
  volume: VolumeRef
  providerLocation?: string | null
}

/** Values that the caller must store in the row of the volume or snapshot. */
export interface ModelUpdate {
  providerLocation?: string | null
}

/** Capacities of one pool, in GiB; 'unknown' and 'infinite' as in Cinder's stats. */
export interface PoolStats {
  poolName: string
  totalCapacityGb: number | 'unknown' | 'infinite'
  freeCapacityGb: number | 'unknown' | 'infinite'
  /** Sum of the sizes promised to volumes and snapshots. */
  provisionedCapacityGb?: number
  reservedPercentage: number
  maxOverSubscriptionRatio: number
  thinProvisioning: boolean
  thickProvisioning: boolean
  multiattach: boolean
  onlineExtend: boolean
  qosSupport: boolean
  /** Additional values that extra specs may match. */
  capabilities?: Record<string, unknown>
}

export interface BackendStats {
  vendorName: string
  driverVersion: string
  /** Protocol of the connections: iSCSI, NFS, ceph … */
  storageProtocol: string
  pools: PoolStats[]
}

/** Where the bytes of a volume or snapshot can be read or written by this host, in qemu-img's terms. */
export interface Address {
  /** A path, or a qemu block address such as `rbd:pool/name`. */
  filename: string
  format: 'raw' | 'qcow2'
}

/**
 * How an initiator reaches a volume: a device on this host that an export driver offers over the network, or a
 * connection that needs no export and goes to os-brick as it is.
 */
export type Connection =
  | { kind: 'device'; path: string; sizeBytes: number; blockSize: number }
  | {
      kind: 'network'
      driver_volume_type: string
      data: Record<string, unknown>
      /** Folder where shares are mounted; a sibling of `data`, as in upstream's file drivers. */
      mount_point_base?: string
    }

/** Every method may be repeated: it succeeds for a volume that exists with the same size, or is deleted already. */
export interface VolumeDriver {
  stats(): Promise<BackendStats>
  /** Makes a blank volume that reads as zeros. */
  create(volume: VolumeRef, signal?: AbortSignal): Promise<ModelUpdate | undefined>
  /** Throws DriverError `busy` while something depends on the volume. */
  delete(volume: VolumeRef, signal?: AbortSignal): Promise<void>
  /** Grows to `newSizeGiB`; new bytes read as zeros. Never shrinks. */
  extend(volume: VolumeRef, newSizeGiB: number, signal?: AbortSignal): Promise<void>
  snapshot(snapshot: SnapshotRef, signal?: AbortSignal): Promise<ModelUpdate | undefined>
  deleteSnapshot(snapshot: SnapshotRef, signal?: AbortSignal): Promise<void>
  /** Makes a volume with the snapshot's bytes, at least as large. */
  createFromSnapshot(volume: VolumeRef, source: SnapshotRef, signal?: AbortSignal): Promise<ModelUpdate | undefined>
  /** Makes a volume with the present bytes of `source`, at least as large. */
  clone(volume: VolumeRef, source: VolumeRef, signal?: AbortSignal): Promise<ModelUpdate | undefined>
  /** Returns the connection. `connector`: os-brick's properties of the attaching host. */
  connection(volume: VolumeRef, connector?: Record<string, unknown>): Promise<Connection>
  /** Where to read and write the bytes on the host that owns the storage; needed for images and backups. */
  address?(volume: VolumeRef): Promise<Address>
  /** Where to read a snapshot's bytes without making a volume of it. */
  snapshotAddress?(snapshot: SnapshotRef): Promise<Address>
  /** The bytes themselves, for storage that this process reads better than by an address. The caller closes it. */
  openVolume?(volume: VolumeRef, mode: 'r' | 'rw'): Promise<Blocks>
  openSnapshot?(snapshot: SnapshotRef): Promise<Blocks>
  /** Makes a volume directly from the image's locations; null when the backend cannot read them: the caller copies. */
  cloneImage?(volume: VolumeRef, image: ImageLocations, signal?: AbortSignal): Promise<ModelUpdate | null>
  /** Reverts the volume to the snapshot's bytes. */
  revert?(snapshot: SnapshotRef, signal?: AbortSignal): Promise<void>
  /** Returns the names on the backend that follow this driver's naming; callers use them to find orphans. */
  list?(): Promise<{ volumes: string[]; snapshots: string[] }>
  /** Returns every volume and snapshot that `manage` could adopt, whatever its name. */
  manageable?(): Promise<ManageableObject[]>
  /** Adopts an existing volume: gives it the volume's name. Throws `not-found`. */
  manage?(volume: VolumeRef, reference: { name: string }): Promise<ModelUpdate | undefined>
  /** Adopts an existing snapshot of the volume: gives it the snapshot's name. Throws `not-found`. */
  manageSnapshot?(snapshot: SnapshotRef, reference: { name: string }): Promise<ModelUpdate | undefined>
  close?(): Promise<void>
}

/** Where the image service keeps an image's bytes. */
export interface ImageLocations {
  id: string
  diskFormat: string
  /** URLs of the image service's stores. */
  locations: string[]
}

/** A volume or snapshot on the backend, under the name that it has there. */
export interface ManageableObject {
  kind: 'volume' | 'snapshot'
  name: string
  /** GiB, rounded up. */
  sizeGiB: number
  /** Name of the volume a snapshot belongs to. */
  volumeName?: string
  /** Why it cannot be adopted; absent when it can. */
  unsafe?: string
}
