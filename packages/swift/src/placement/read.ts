import { refuse } from '../response.ts'
import type { StoredObject } from '../storage/operations.ts'
import type { Placement } from './cluster.ts'
import type { Node } from './node.ts'

/**
 * Asks the primaries in turn until one knows the thing. Null when those that answered do not know it; throws a 503 when none
 * answered.
 */
export async function firstAnswer<T>(place: Placement, ask: (node: Node) => Promise<T | null>): Promise<T | null> {
  let answered = false
  for (const node of place.primaries) {
    const found = await ask(node).catch(() => undefined)
    if (found === undefined) continue
    answered = true
    if (found !== null) return found
  }
  if (!answered) throw refuse(503)
  return null
}

/** As firstAnswer, but devices of this process, which cost microseconds, are all asked, and the newest answer counts. */
export async function newestAnswer<T>(
  place: Placement,
  ask: (node: Node) => Promise<T | null>,
  timeOf: (answer: T) => string,
): Promise<T | null> {
  const nearby = place.primaries.filter((node) => node.local)
  const answers = await Promise.all(nearby.map((node) => ask(node).catch(() => null)))
  let newest: T | null = null
  for (const answer of answers)
    if (answer !== null && (newest === null || timeOf(answer) > timeOf(newest))) newest = answer
  return newest ?? firstAnswer(place, ask)
}

export interface Found {
  object: StoredObject
  node: Node
}

const isNewer = (a: { timestamp: string; metaTimestamp: string }, b: StoredObject) =>
  a.timestamp > b.timestamp || (a.timestamp === b.timestamp && a.metaTimestamp > b.metaTimestamp)

/**
 * Finds the newest version of an object, which may be a tombstone. Devices of this process are always compared, since that costs
 * microseconds; remote ones when `newest` is asked for or nothing was found yet, handoffs at last.
 */
export async function findStored(place: Placement, newest: boolean): Promise<Found | null> {
  let found: Found | null = null
  let answered = false
  const nodes = [...place.primaries].sort((a, b) => Number(b.local) - Number(a.local))
  for (const node of nodes) {
    if (found && !found.object.deleted && !node.local && !newest) break
    const object = await readNewer(node, place.hash, found?.object ?? null)
    if (object === undefined) continue
    answered = true
    if (object) found = { object, node }
  }
  if (found && !found.object.deleted) return found
  for (const node of place.handoffs()) {
    const object = await readNewer(node, place.hash, found?.object ?? null)
    if (object) found = { object, node }
    if (found && !found.object.deleted && !newest) break
  }
  if (!answered && !found) throw refuse(503)
  return found
}

/** The node's version when it is newer than `than`; undefined when the node does not answer. */
async function readNewer(
  node: Node,
  hash: string,
  than: StoredObject | null,
): Promise<StoredObject | null | undefined> {
  try {
    if (than === null) return await node.read('getObject', { hash })
    const version = await node.read('getVersion', { hash })
    return version && isNewer(version, than) ? await node.read('getObject', { hash }) : null
  } catch {
    return undefined
  }
}
