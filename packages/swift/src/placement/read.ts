import { setTimeout as sleep } from 'node:timers/promises'
import { refuse } from '../model/response.ts'
import type { Node } from '../storage/network/node.ts'
import type { StoredObject } from '../storage/records/operations.ts'
import type { Placement } from './cluster.ts'
import { settle, valuesOf } from './quorum.ts'

/** Milliseconds after which the next device is asked as well. */
const patience = 500

const silent = Symbol('silent')

/**
 * Returns the response of a device; `silent` when it fails, or takes longer than `patience` while another device can be
 * asked.
 */
async function answerOf<T>(asked: Promise<T>, isLast: boolean): Promise<T | typeof silent> {
  const answered = asked.catch(() => silent)
  if (isLast) return answered as Promise<T | typeof silent>
  const stop = new AbortController()
  const late = sleep(patience, silent, { signal: stop.signal }).catch(() => silent)
  try {
    return (await Promise.race([answered, late])) as T | typeof silent
  } finally {
    stop.abort()
  }
}

/**
 * Asks the primaries in turn and returns the first result that is not null. Null when the devices that respond have
 * none. Throws 503 when no device responds.
 */
export async function firstAnswer<T>(place: Placement, ask: (node: Node) => Promise<T | null>): Promise<T | null> {
  let answered = false
  const slow: Promise<T | null | typeof silent>[] = []
  for (const [index, node] of place.primaries.entries()) {
    const asked = ask(node)
    const found = await answerOf(asked, index === place.primaries.length - 1)
    if (found === silent) slow.push(asked.catch(() => silent))
    else if (found !== null) return found
    else answered = true
  }
  for (const each of answered ? [] : slow) {
    const found = await each
    if (found === silent) continue
    answered = true
    if (found !== null) return found
  }
  if (!answered) throw refuse(503)
  return null
}

/** Like firstAnswer, but asks all devices of this process, which costs microseconds, and returns the newest result. */
export async function newestAnswer<T>(
  place: Placement,
  ask: (node: Node) => Promise<T | null>,
  timeOf: (answer: T) => string,
): Promise<T | null> {
  const nearby = place.primaries.filter((node) => node.local)
  const answers = valuesOf(await settle(nearby.map(ask), { replicas: 1, patience }))
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
 * Returns the newest version of an object, which may be a tombstone. Compares all devices of this process, which costs
 * microseconds; asks remote ones when `newest` is set or nothing was found, and handoffs last.
 */
export async function findStored(place: Placement, newest: boolean): Promise<Found | null> {
  const near = place.primaries.filter((node) => node.local)
  let { found, answered } = await findNearby(near, place.hash)
  for (const node of place.primaries) {
    if (node.local) continue
    if (found && !found.object.deleted && !newest) break
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

/** The newest version on devices of this process, all asked at once; one that does not respond is done without. */
async function findNearby(near: Node[], hash: string): Promise<{ found: Found | null; answered: boolean }> {
  const asked = near.map(async (node) => ({ node, version: await node.read('getVersion', { hash }) }))
  const answers = valuesOf(await settle(asked, { replicas: 1, patience }))
  const known = answers.filter(({ version }) => version !== null)
  known.sort((a, b) => compareTimes(b.version!, a.version!))
  for (const [index, { node }] of known.entries()) {
    const object = await answerOf(node.read('getObject', { hash }), index === known.length - 1)
    if (object !== silent && object) return { found: { object, node }, answered: true }
  }
  return { found: null, answered: answers.length > 0 }
}

type Times = { timestamp: string; metaTimestamp: string }
const compareTimes = (a: Times, b: Times): number =>
  a.timestamp === b.timestamp
    ? Number(a.metaTimestamp > b.metaTimestamp) - Number(a.metaTimestamp < b.metaTimestamp)
    : a.timestamp > b.timestamp
      ? 1
      : -1

/** Returns the node's version if it is newer than `than`, else null; undefined when the node does not respond. */
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
