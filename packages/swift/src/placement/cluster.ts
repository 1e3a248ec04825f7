import { type Device, type HashSalt, hashPath, type Ring } from '@hearth/ring'
import { StorageError } from '../storage/errors.ts'
import { type Node, nodeKey } from '../storage/network/node.ts'
import type { ListingTarget } from '../storage/records/operations.ts'

export interface Rings {
  account: Ring
  container: Ring
  object: Ring
}

/** Where everything is. */
export interface Cluster {
  salt: HashSalt
  rings: Rings
  /** Finds the device behind a ring's entry. */
  node(device: Device): Node
}

/** The devices for one name: first its primaries, then where to go when those fail. */
export interface Placement {
  /** Hex. */
  hash: string
  primaries: Node[]
  handoffs(): Generator<Node>
}

/** Joins the rings with the nodes of their devices, which are named by `nodeKey`. */
export function openCluster(salt: HashSalt, rings: Rings, nodes: Map<string, Node>): Cluster {
  return {
    salt,
    rings,
    node(device) {
      const node = nodes.get(nodeKey(device))
      if (!node) throw new StorageError('offline', `no way to reach the device ${nodeKey(device)}`)
      return node
    },
  }
}

function place(cluster: Cluster, ring: Ring, hash: Buffer): Placement {
  const partition = ring.partition(hash)
  return {
    hash: hash.toString('hex'),
    primaries: ring.primaries(partition).map((device) => cluster.node(device)),
    *handoffs() {
      for (const device of ring.handoffs(partition)) yield cluster.node(device)
    },
  }
}

/** Returns the devices of an account. */
export const placeAccount = (cluster: Cluster, account: string): Placement =>
  place(cluster, cluster.rings.account, hashPath(cluster.salt, account))

/** Returns the devices of a container. */
export const placeContainer = (cluster: Cluster, account: string, container: string): Placement =>
  place(cluster, cluster.rings.container, hashPath(cluster.salt, account, container))

/** Returns the devices of an object. */
export const placeObject = (cluster: Cluster, account: string, container: string, object: string): Placement =>
  place(cluster, cluster.rings.object, hashPath(cluster.salt, account, container, object))

/** Returns the quorum of a number of replicas, `(n + 1) / 2` rounded down as in Swift. */
export const quorumOf = (replicas: number): number => Math.floor((replicas + 1) / 2)

/**
 * Divides the replicas of a listing among the devices that write an object: each device updates its own replica, and
 * the replicas on other devices are spread one by one.
 */
export function listingTargets(
  cluster: Cluster,
  name: { account: string; container: string; object: string },
  writers: Node[],
  override?: ListingTarget['override'],
): ListingTarget[] {
  const listing = placeContainer(cluster, name.account, name.container)
  const account = placeAccount(cluster, name.account)
  const covered = account.primaries.every(({ key }) => listing.primaries.some((node) => node.key === key))
  const devices = cluster.rings.container.primaries(cluster.rings.container.partition(Buffer.from(listing.hash, 'hex')))
  const keys = new Set(writers.map((node) => node.key))
  const far = devices.filter((device) => !keys.has(nodeKey(device)))
  const near = new Set(devices.map(nodeKey))
  const free = writers.map((_, index) => index).filter((index) => !near.has(writers[index]!.key))
  return writers.map((node, index) => {
    const turn = free.indexOf(index)
    return {
      ...name,
      accountHash: account.hash,
      accountCovered: covered,
      containerHash: listing.hash,
      here: near.has(node.key),
      elsewhere: far
        .filter((_, at) => (free.length > 0 ? at % free.length === turn : at % writers.length === index))
        .map((device) => device.id),
      ...(override ? { override } : {}),
    }
  })
}
