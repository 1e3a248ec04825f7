/** Metadata of an account or container: name → [value, timestamp]; an empty value is a deletion that is remembered. */
export type TimedMetadata = Record<string, [value: string, timestamp: string]>

/** One line of a container listing. */
export interface Entry {
  name: string
  /** When the data, and when last the metadata, was written. */
  timestamp: string
  metaTimestamp: string
  deleted: boolean
  size: number
  contentType: string
  etag: string
}

/** Where the listing line of an object goes. Hashes are hex. */
export interface ListingTarget {
  account: string
  accountHash: string
  /** True when no keeper has to tell the account, since each replica of it sits beside one of the container. */
  accountCovered: boolean
  container: string
  containerHash: string
  object: string
  /** True when the device that stores the object holds a replica of the listing too. */
  here: boolean
  /** Devices with a replica of the listing that this device has to see to. */
  elsewhere: number[]
  /** Values that the listing entry shows instead of the object's own (large objects). */
  override?: { etag?: string; contentType?: string; size?: number }
}

/** An object without its data, as stored. */
export interface StoredObject {
  hash: string
  /** `/account/container/object` */
  name: string
  timestamp: string
  metaTimestamp: string
  deleted: boolean
  size: number
  etag: string
  contentType: string
  /** Seconds since the epoch, or null. */
  deleteAt: number | null
  /** User metadata and headers that a POST replaces; names in lower case. */
  metadata: Record<string, string>
  /** Headers that stay as long as the data does. */
  sysmeta: Record<string, string>
  /** Body file below the device's folder; null for a body kept in the index. */
  file: string | null
  /** CRC-32 of each MiB of the body, little-endian uint32. */
  sums: Uint8Array | null
  body: Uint8Array | null
}

/** `stale`: something newer is stored already. `gone`: there is no such thing (any more). */
type WriteStatus = 'done' | 'stale' | 'gone' | 'conflict'

export interface WriteReply {
  status: WriteStatus
  /** Timestamp of the stored version. */
  timestamp: string
  /** Container PUT: it did not exist. */
  created?: boolean
  /** Object PUT: it replaced one. */
  replaced?: boolean
  /** Numbers of listing updates this device has promised to deliver. */
  pending?: { id: number; device: number }[]
}

export interface ContainerChange {
  account: string
  accountHash: string
  container: string
  containerHash: string
  timestamp: string
  metadata: TimedMetadata
  /** As in ListingTarget. */
  accountCovered: boolean
}

export interface AccountChange {
  account: string
  accountHash: string
  timestamp: string
  metadata: TimedMetadata
}

export interface ContainerStats {
  account: string
  accountHash: string
  container: string
  putTimestamp: string
  deleteTimestamp: string
  objectCount: number
  bytesUsed: number
}

type ReportedContainer = Omit<ContainerStats, 'account' | 'accountHash' | 'container'> & {
  containerHash: string
}

export interface ListingUpdate {
  account: string
  accountHash: string
  accountCovered: boolean
  container: string
  containerHash: string
  entry: Entry
}

/** Everything that changes a device: name → [input, reply]. Each runs in the device's worker, many in one commit. */
export interface WriteOperations {
  putObject: [{ object: StoredObject; listing: ListingTarget }, WriteReply]
  /** Takes back a PUT that did not reach enough devices. */
  undoPut: [{ hash: string; timestamp: string; listing: ListingTarget }, WriteReply]
  /** Forgets a damaged object, so that a sound copy can take its place; the listing stays. */
  dropObject: [{ hash: string; timestamp: string }, WriteReply]
  postObject: [
    {
      hash: string
      timestamp: string
      metadata: Record<string, string>
      contentType: string | null
      deleteAt: number | null
      listing: ListingTarget
    },
    WriteReply,
  ]
  deleteObject: [
    { hash: string; name: string; timestamp: string; ifDeleteAt: number | null; listing: ListingTarget },
    WriteReply,
  ]
  recordEntries: [{ updates: ListingUpdate[] }, WriteReply]
  putContainer: [ContainerChange, WriteReply]
  postContainer: [ContainerChange, WriteReply]
  deleteContainer: [Omit<ContainerChange, 'metadata'>, WriteReply]
  putAccount: [AccountChange, WriteReply]
  postAccount: [AccountChange, WriteReply]
  deleteAccount: [Omit<AccountChange, 'metadata'>, WriteReply]
  recordStats: [{ stats: ContainerStats[] }, WriteReply]
  /** Notes that accounts know these numbers; a container that changed since stays unreported. */
  markReported: [{ containers: ReportedContainer[] }, WriteReply]
  forgetPending: [{ ids: number[] }, WriteReply]
  setWatermark: [{ device: string; timestamp: string }, WriteReply]
  reclaim: [{ before: string; limit: number }, { removed: number }]
}

export interface Container {
  account: string
  container: string
  createdTimestamp: string
  putTimestamp: string
  deleteTimestamp: string
  metadata: TimedMetadata
  objectCount: number
  bytesUsed: number
}

export interface Account {
  account: string
  createdTimestamp: string
  putTimestamp: string
  deleteTimestamp: string
  metadata: TimedMetadata
  containerCount: number
  objectCount: number
  bytesUsed: number
}

export interface ListingQuery {
  limit: number
  marker: string
  endMarker: string
  prefix: string
  delimiter: string
  /** Pseudo-directory; null when the parameter was not given. */
  path: string | null
  reverse: boolean
}

export interface AccountEntry {
  name: string
  objectCount: number
  bytesUsed: number
  putTimestamp: string
}

export type Listed<T> = T | { subdir: string }

/** Fields that two replicas compare to find missing changes. */
interface ObjectVersion {
  hash: string
  timestamp: string
  metaTimestamp: string
}

/** Everything that only looks: name → [input, reply]. */
export interface ReadOperations {
  getObject: [{ hash: string }, StoredObject | null]
  /** Timestamps of the stored version; cheaper than getObject. */
  getVersion: [{ hash: string }, { timestamp: string; metaTimestamp: string; deleted: boolean } | null]
  /** The body file of an object; null when it has none. */
  getFile: [{ hash: string }, string | null]
  /** The latest timestamp of anything this device holds. */
  getLatest: [Record<string, never>, string]
  getContainer: [{ hash: string }, Container | null]
  getAccount: [{ hash: string }, Account | null]
  listContainer: [{ hash: string; query: ListingQuery }, Listed<Entry>[]]
  listAccount: [{ hash: string; query: ListingQuery }, Listed<AccountEntry>[]]
  listExpired: [{ before: number; limit: number }, { name: string; deleteAt: number }[]]
  listPending: [{ after: number; limit: number }, { id: number; device: number; update: ListingUpdate }[]]
  listUnreported: [{ limit: number }, (ContainerStats & { containerHash: string })[]]
  /** Objects written or changed after (`since`, `after`), oldest first; `after` is a row number. */
  listChanges: [{ since: string; after: number; limit: number }, (ObjectVersion & { row: number })[]]
  /** How far this device has brought another one up to date: a timestamp. */
  getWatermark: [{ device: string }, string]
  /** Containers and accounts in full, for replication; `after` is a row number. */
  listContainers: [{ after: number; limit: number }, { row: number; hash: string; value: Container }[]]
  listAccounts: [{ after: number; limit: number }, { row: number; hash: string; value: Account }[]]
  listEntries: [{ hash: string; after: string; deleted: boolean; limit: number }, Entry[]]
}

export type WriteName = keyof WriteOperations
export type ReadName = keyof ReadOperations
