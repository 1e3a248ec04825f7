import type { Node } from '../storage/network/node.ts'
import type { ListingUpdate, WriteReply } from '../storage/records/operations.ts'
import { type Cluster, placeAccount, placeContainer } from './cluster.ts'
import type { Outcome } from './quorum.ts'

/**
 * Returns true when every replica of the account is on a device with a replica of the container. Then each container
 * replica updates its account replica in the same commit, and no keeper has to.
 */
export function coversAccount(cluster: Cluster, account: string, container: string): boolean {
  const keys = new Set(placeContainer(cluster, account, container).primaries.map(({ key }) => key))
  return placeAccount(cluster, account).primaries.every(({ key }) => keys.has(key))
}

/**
 * Delivers at once the listing entries that writers have recorded for other devices. An entry that cannot be delivered
 * stays on the writer's disk, and keepers deliver it later.
 */
export async function deliver(cluster: Cluster, writers: Node[], outcomes: Outcome<WriteReply>[]): Promise<void> {
  const work: Promise<unknown>[] = []
  outcomes.forEach((outcome, index) => {
    if (!('value' in outcome)) return
    for (const promise of outcome.value.pending ?? []) work.push(deliverOne(cluster, writers[index]!, promise))
  })
  if (work.length > 0) await Promise.all(work.map((each) => each.catch(() => undefined)))
}

async function deliverOne(cluster: Cluster, writer: Node, promise: { id: number; device: number }): Promise<void> {
  const [pending] = await writer.read('listPending', { after: promise.id - 1, limit: 1 })
  if (!pending || pending.id !== promise.id) return
  await sendUpdates(cluster, pending.device, [pending.update])
  await writer.write('forgetPending', { ids: [promise.id] })
}

/** Brings listing lines to the device of this number in the container ring. */
export async function sendUpdates(cluster: Cluster, deviceId: number, updates: ListingUpdate[]): Promise<void> {
  const device = cluster.rings.container.data.devices[deviceId]
  if (!device) return
  const node = cluster.node(device)
  await node.write('recordEntries', { updates })
}
