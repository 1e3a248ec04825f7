import type { Ring } from '@hearth/ring'
import { type Node, nodeKey } from '../storage/network/node.ts'
import type { KeeperDeps } from './deps.ts'
import { copyObject } from './replicate.ts'
import { replicateListings } from './replicate-listings.ts'

const batch = 500

/**
 * Brings to each device that was rebuilt or replaced everything its peers hold for it. Peers would not do so by
 * themselves: they remember that the device has had it. Returns how many objects and listings were sent.
 */
export async function fillDevices(deps: KeeperDeps): Promise<number> {
  let sent = 0
  for (const device of deps.storage.devices.values()) {
    if (device.state().state !== 'filling') continue
    const target = deps.storage.local.find(({ key }) => key.endsWith(`/${device.id}`))
    if (!target) continue
    const silent = new Set<string>()
    for (const peer of peersOf(deps, target)) {
      try {
        sent += await fillFrom(deps, peer, target)
      } catch (error) {
        deps.log.info({ err: error, device: target.key, peer: peer.key }, 'a device cannot be filled from a peer yet')
        silent.add(peer.key)
      }
    }
    if (!deps.goOn() || !isCovered(deps, target, silent)) continue
    await device.filled()
    deps.log.warn({ device: target.key, sent }, 'a device holds again what its peers have for it')
  }
  return sent
}

const ringsOf = ({ storage }: KeeperDeps): Ring[] => {
  const { account, container, object } = storage.cluster.rings
  return [account, container, object]
}

function peersOf(deps: KeeperDeps, target: Node): Node[] {
  const peers = new Map<string, Node>()
  for (const ring of ringsOf(deps))
    for (const device of ring.data.devices)
      if (device && nodeKey(device) !== target.key) peers.set(nodeKey(device), deps.storage.cluster.node(device))
  return [...peers.values()]
}

/** Whether each partition of the device has another replica on a device that is not silent, or has no other replica. */
function isCovered(deps: KeeperDeps, target: Node, silent: Set<string>): boolean {
  if (silent.size === 0) return true
  return ringsOf(deps).every((ring) => {
    for (let partition = 0; partition < ring.partitionCount; partition++) {
      const keys = ring.primaries(partition).map(nodeKey)
      const others = keys.filter((key) => key !== target.key)
      if (keys.includes(target.key) && others.length > 0 && others.every((key) => silent.has(key))) return false
    }
    return true
  })
}

async function fillFrom(deps: KeeperDeps, peer: Node, target: Node): Promise<number> {
  const { rings } = deps.storage.cluster
  let sent = await replicateListings(deps, peer, target)
  let [since, after] = ['', 0]
  while (deps.goOn()) {
    const changes = await peer.read('listChanges', { since, after, limit: batch })
    for (const { hash, metaTimestamp } of changes) {
      const primaries = rings.object.primaries(rings.object.partition(Buffer.from(hash, 'hex')))
      if (!primaries.some((device) => nodeKey(device) === target.key)) continue
      const held = await target.read('getVersion', { hash })
      if (held && held.metaTimestamp >= metaTimestamp) continue
      const object = await peer.read('getObject', { hash })
      if (!object) continue
      await copyObject(deps, peer, target, object)
      sent++
    }
    const last = changes.at(-1)
    if (!last || changes.length < batch) break
    since = last.metaTimestamp
    after = last.row
    await new Promise(setImmediate)
  }
  return sent
}
