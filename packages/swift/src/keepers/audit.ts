import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { placeObject } from '../placement/cluster.ts'
import type { Node } from '../placement/node.ts'
import { StorageError } from '../storage/errors.ts'
import type { StoredObject } from '../storage/operations.ts'
import { splitPath } from '../wire.ts'
import type { KeeperDeps } from './open.ts'
import { copyObject } from './replicate.ts'

const batch = 200
/** Bytes read a second, so that auditing does not get in the way of anybody. */
const rate = 20 * 1024 * 1024

/** Reads every body of this host's devices, and replaces those that are missing or damaged. Answers how many were replaced. */
export async function auditDevices(deps: KeeperDeps): Promise<number> {
  let repaired = 0
  for (const node of deps.storage.local) {
    let [since, after] = ['', 0]
    while (deps.goOn()) {
      const rows = await node.read('listChanges', { since, after, limit: batch })
      for (const { hash } of rows) {
        if (!deps.goOn()) return repaired
        const object = await node.read('getObject', { hash })
        if (!object || object.deleted || (await isSound(node, object))) continue
        if (await repair(deps, node, object)) repaired++
      }
      const last = rows.at(-1)
      if (!last || rows.length < batch) break
      since = last.metaTimestamp
      after = last.row
    }
  }
  return repaired
}

async function isSound(node: Node, object: StoredObject): Promise<boolean> {
  const sums = object.sums ?? new Uint8Array()
  if (object.file === null) {
    const body = object.body ?? new Uint8Array()
    const sum = new DataView(sums.buffer, sums.byteOffset, sums.byteLength)
    return body.length === object.size && (sums.length === 0 || crc32(body) === sum.getUint32(0, true))
  }
  try {
    for await (const chunk of node.body({ file: object.file, size: object.size, sums, start: 0, end: object.size }))
      await sleep((chunk.length / rate) * 1000, undefined, { ref: false })
    return true
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    // Written anew or deleted meanwhile: that is no damage.
    const now = await node.read('getVersion', { hash: object.hash })
    return error.kind === 'offline' || now?.timestamp !== object.timestamp
  }
}

/** Takes a sound copy from another device; the damaged one stays as long as there is none. */
async function repair(deps: KeeperDeps, node: Node, object: StoredObject): Promise<boolean> {
  const path = splitPath(`/v1${object.name}`)
  if (!path?.container || !path.object) return false
  const place = placeObject(deps.storage.cluster, path.account, path.container, path.object)
  for (const other of place.primaries) {
    if (other.key === node.key) continue
    const theirs = await other.read('getObject', { hash: object.hash }).catch(() => null)
    if (!theirs || theirs.deleted || theirs.timestamp < object.timestamp || !(await isSound(other, theirs))) continue
    await node.write('dropObject', { hash: object.hash, timestamp: object.timestamp })
    await copyObject(deps, other, node, theirs)
    deps.log.warn({ object: object.name, device: node.key, from: other.key }, 'a damaged replica was replaced')
    return true
  }
  deps.log.error({ object: object.name, device: node.key }, 'a replica is damaged and no sound one was found')
  return false
}
