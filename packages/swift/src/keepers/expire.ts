import { splitPath } from '../model/path.ts'
import { placeObject } from '../placement/cluster.ts'
import { removeObject } from '../placement/remove-object.ts'
import type { KeeperDeps } from './deps.ts'
import { eachDevice } from './each-device.ts'

/** Objects removed in one go. */
const batch = 200

/**
 * Removes expired objects and returns their number. Each device finds its own in an index by time. The first of an
 * object's devices that is reachable removes it on all of them.
 */
export async function expireObjects(deps: KeeperDeps): Promise<number> {
  return eachDevice(deps, async (node) => {
    let removed = 0
    for (;;) {
      const due = await node.read('listExpired', { before: Math.floor(Date.now() / 1000), limit: batch })
      let progress = 0
      for (const { name, deleteAt } of due) {
        if (!deps.goOn()) return removed
        if (await expireOne(deps, name, deleteAt)) progress++
      }
      removed += progress
      if (due.length < batch || progress === 0) return removed
    }
  })
}

async function expireOne(deps: KeeperDeps, name: string, deleteAt: number): Promise<boolean> {
  const { cluster } = deps.storage
  const path = splitPath(`/v1${name}`)
  if (!path?.container || !path.object) return false
  const { account, container, object } = { account: path.account, container: path.container, object: path.object }
  try {
    const status = await removeObject(cluster, { account, container, object }, deps.timestamps.next(), deleteAt)
    return status === 204
  } catch (error) {
    const { primaries } = placeObject(cluster, account, container, object)
    deps.log.warn({ err: error, object: name, devices: primaries.length }, 'an expired object cannot be removed yet')
    return false
  }
}
