import type { Node } from '../storage/network/node.ts'
import type { ListingTarget, WriteReply } from '../storage/records/operations.ts'
import { type Cluster, listingTargets, type Placement } from './cluster.ts'
import { deliver } from './listings.ts'
import { type Outcome, settle } from './quorum.ts'

interface ListedWrite {
  name: { account: string; container: string; object: string }
  place: Placement
  /** Devices to write to. */
  nodes: Node[]
  override?: ListingTarget['override']
  /** Whether another device may take the place of one that fails. */
  handoffs: boolean
}

interface Written {
  /** Devices that wrote, or failed to. */
  nodes: Node[]
  targets: ListingTarget[]
  outcomes: Outcome<WriteReply>[]
}

/** Writes to an object on several devices at once, each seeing to its share of the container's listing. */
export async function writeListed(
  cluster: Cluster,
  input: ListedWrite,
  write: (node: Node, listing: ListingTarget) => Promise<WriteReply>,
): Promise<Written> {
  const nodes = [...input.nodes]
  const targets = listingTargets(cluster, input.name, nodes, input.override)
  const handoffs = input.place.handoffs()
  const attempt = async (first: Node, index: number): Promise<WriteReply> => {
    try {
      return await write(first, targets[index]!)
    } catch (error) {
      for (let next = handoffs.next(); input.handoffs && !next.done; next = handoffs.next()) {
        nodes[index] = next.value
        targets[index] = listingTargets(cluster, input.name, [next.value], input.override)[0]!
        const reply = await write(next.value, targets[index]).catch(() => null)
        if (reply) return reply
      }
      throw error
    }
  }
  const outcomes = await settle(input.nodes.map(attempt), { replicas: input.place.primaries.length })
  await deliver(cluster, nodes, outcomes)
  return { nodes, targets, outcomes }
}
