import { splitPath } from '../model/path.ts'
import { secondsOf, timestampOf } from '../model/timestamps.ts'
import { contentOf } from '../placement/body.ts'
import { listingTargets, type Placement, placeObject } from '../placement/cluster.ts'
import { listingOverride } from '../placement/listing-override.ts'
import { deliver } from '../placement/listings.ts'
import type { Node } from '../storage/network/node.ts'
import type { StoredObject } from '../storage/records/operations.ts'
import { never } from '../storage/time.ts'
import type { KeeperDeps } from './deps.ts'
import { eachDevice } from './each-device.ts'
import { replicateListings } from './replicate-listings.ts'

const batch = 500
/** Seconds a change may be under way before it counts as missing elsewhere, and by which clocks may differ. */
const margin = 60

/**
 * Brings the other devices of each object up to date with the devices of this host. A device records up to when it has
 * done so, for each state of the rings, and reads only later changes. Returns the number of objects sent.
 */
export async function replicateDevices(deps: KeeperDeps): Promise<number> {
  return eachDevice(deps, async (node) => (await replicateListings(deps, node)) + (await replicateObjects(deps, node)))
}

async function replicateObjects(deps: KeeperDeps, node: Node): Promise<number> {
  const mark = `rings ${deps.storage.ringVersion}`
  const began = await watermarkNow(node)
  let since = await node.read('getWatermark', { device: mark })
  let after = since === never ? 0 : Number.MAX_SAFE_INTEGER
  let sent = 0
  let complete = true
  while (deps.goOn()) {
    const changes = await node.read('listChanges', { since, after, limit: batch })
    for (const change of changes) {
      const result = await sendOne(deps, node, change)
      sent += result.sent
      complete = complete && result.complete
    }
    const last = changes.at(-1)
    if (!last || changes.length < batch) {
      if (complete) await node.write('setWatermark', { device: mark, timestamp: began })
      break
    }
    since = last.metaTimestamp
    after = last.row
    await new Promise(setImmediate)
  }
  return sent
}

/**
 * Returns the time up to which a round that begins now sees all changes. Never later than the newest change of the
 * device: after a clock is set back, new changes may be earlier than the present time, but not earlier than those.
 */
async function watermarkNow(node: Node): Promise<string> {
  const latest = secondsOf(await node.read('getLatest', {}))
  return timestampOf(Math.max(0, Math.min(Date.now() / 1000, latest) - margin))
}

async function sendOne(
  deps: KeeperDeps,
  node: Node,
  change: { hash: string; timestamp: string; metaTimestamp: string },
): Promise<{ sent: number; complete: boolean }> {
  let sent = 0
  let complete = true
  const { rings, node: reach } = deps.storage.cluster
  const partition = rings.object.partition(Buffer.from(change.hash, 'hex'))
  const primaries = rings.object.primaries(partition).map(reach)
  for (const other of primaries) {
    if (other.key === node.key) continue
    try {
      const theirs = await other.read('getVersion', { hash: change.hash })
      if (theirs && (theirs.timestamp > change.timestamp || theirs.metaTimestamp >= change.metaTimestamp)) continue
      const object = await node.read('getObject', { hash: change.hash })
      if (object) await copyObject(deps, node, other, object)
      sent++
    } catch (error) {
      complete = false
      deps.log.info({ err: error, to: other.key }, 'an object waits for its device')
    }
  }
  // A device that only stood in for another one has done its part.
  if (complete && !primaries.some(({ key }) => key === node.key))
    await node.write('dropObject', { hash: change.hash, timestamp: change.timestamp })
  return { sent, complete }
}

/** Writes the object, or its tombstone, or its newer metadata, to the other device, with its listing line. */
export async function copyObject(deps: KeeperDeps, from: Node, to: Node, object: StoredObject): Promise<void> {
  const { cluster } = deps.storage
  const path = splitPath(`/v1${object.name}`)
  if (!path?.container || !path.object) return
  const name = { account: path.account, container: path.container, object: path.object }
  const place = placeObject(cluster, name.account, name.container, name.object)
  const listing = listingTargets(cluster, name, [to], listingOverride(object))[0]!
  if (object.deleted) {
    const { hash, timestamp } = object
    const reply = await to.write('deleteObject', { hash, name: object.name, timestamp, ifDeleteAt: null, listing })
    return deliver(cluster, [to], [{ value: reply }])
  }
  const theirs = await to.read('getVersion', { hash: object.hash })
  if (!theirs || theirs.timestamp < object.timestamp) {
    const data = { ...object, metaTimestamp: object.timestamp }
    const reply = await copyData(deps, from, to, data, place, listing)
    await deliver(cluster, [to], [{ value: reply }])
  }
  if (object.metaTimestamp === object.timestamp) return
  const { hash, metaTimestamp: timestamp, metadata, contentType, deleteAt } = object
  const reply = await to.write('postObject', { hash, timestamp, metadata, contentType, deleteAt, listing })
  await deliver(cluster, [to], [{ value: reply }])
}

async function copyData(
  deps: KeeperDeps,
  from: Node,
  to: Node,
  object: StoredObject,
  place: Placement,
  listing: ReturnType<typeof listingTargets>[number],
) {
  if (object.file === null) return to.write('putObject', { object, listing })
  const stage = await to.stage(object.hash, object.size)
  try {
    for await (const chunk of contentOf({ object, node: from }, place, deps.log).read(0, object.size))
      await stage.write([chunk])
    await stage.finish()
    return await to.write('putObject', { object: { ...object, file: stage.file }, listing })
  } catch (error) {
    await stage.abort()
    throw error
  }
}
