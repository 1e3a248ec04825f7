import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { splitPath } from '../model/path.ts'
import { placeObject } from '../placement/cluster.ts'
import { StorageError } from '../storage/errors.ts'
import type { Node } from '../storage/network/node.ts'
import type { StoredObject } from '../storage/records/operations.ts'
import { never } from '../storage/time.ts'
import type { KeeperDeps } from './deps.ts'
import { copyObject } from './replicate.ts'

const batch = 200
/** Under this name a device keeps how far its auditor has come. */
const mark = 'audited'

/**
 * Reads every body of this host's devices, and replaces those that are missing or damaged. Devices are read at the same
 * time; each goes on where the last process stopped. Returns how many were replaced.
 */
export async function auditDevices(deps: KeeperDeps): Promise<number> {
  const rounds = deps.storage.local.map((node) =>
    auditDevice(deps, node).catch((error: unknown) => {
      deps.log.info({ err: error, device: node.key }, 'a device cannot be audited')
      return 0
    }),
  )
  return (await Promise.all(rounds)).reduce((sum, repaired) => sum + repaired, 0)
}

async function auditDevice(deps: KeeperDeps, node: Node): Promise<number> {
  let repaired = 0
  let since = await node.read('getWatermark', { device: mark })
  let after = since === never ? 0 : Number.MAX_SAFE_INTEGER
  while (deps.goOn()) {
    const rows = await node.read('listChanges', { since, after, limit: batch })
    for (const { hash } of rows) {
      if (!deps.goOn()) return repaired
      if (await auditObject(deps, node, hash)) repaired++
    }
    const last = rows.at(-1)
    const isEnd = !last || rows.length < batch
    await node.write('setWatermark', { device: mark, timestamp: isEnd ? never : last.metaTimestamp })
    if (isEnd) break
    since = last.metaTimestamp
    after = last.row
  }
  return repaired
}

/** Repairs what readers have reported as damaged. Returns how many copies were replaced. */
export async function repairReported(deps: KeeperDeps): Promise<number> {
  let repaired = 0
  for (const device of deps.storage.devices.values()) {
    const node = deps.storage.local.find(({ key }) => key.endsWith(`/${device.id}`))
    for (let hash = device.damage.take(); node && hash !== undefined && deps.goOn(); hash = device.damage.take())
      if (await auditObject(deps, node, hash).catch(() => false)) repaired++
  }
  return repaired
}

/** Looks at one object of a device. Returns whether its copy was damaged and has been replaced. */
async function auditObject(deps: KeeperDeps, node: Node, hash: string): Promise<boolean> {
  const object = await node.read('getObject', { hash })
  if (!object || object.deleted || (await isSound(deps, node, object))) return false
  return repair(deps, node, object)
}

async function isSound(deps: KeeperDeps, node: Node, object: StoredObject): Promise<boolean> {
  const sums = object.sums ?? new Uint8Array()
  if (object.file === null) {
    const body = object.body ?? new Uint8Array()
    const sum = new DataView(sums.buffer, sums.byteOffset, sums.byteLength)
    return body.length === object.size && (sums.length === 0 || crc32(body) === sum.getUint32(0, true))
  }
  try {
    for await (const chunk of node.body({ file: object.file, size: object.size, sums, start: 0, end: object.size }))
      await sleep((chunk.length / deps.auditRate) * 1000, undefined, { ref: false })
    return true
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    // The object was rewritten or deleted in the meantime: no damage.
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
    if (!theirs || theirs.deleted || theirs.timestamp < object.timestamp) continue
    if (!(await isSound(deps, other, theirs))) continue
    await node.write('dropObject', { hash: object.hash, timestamp: object.timestamp })
    await copyObject(deps, other, node, theirs)
    deps.log.warn({ object: object.name, device: node.key, from: other.key }, 'a damaged replica was replaced')
    return true
  }
  deps.log.error({ object: object.name, device: node.key }, 'a replica is damaged and no sound one was found')
  return false
}
