import { timestampOf } from '../model/timestamps.ts'
import type { KeeperDeps } from './deps.ts'
import { eachDevice } from './each-device.ts'

const batch = 1000

/** Removes tombstones that every replica has had time to receive. Returns their number. */
export async function reclaimTombstones(deps: KeeperDeps): Promise<number> {
  const before = timestampOf(Date.now() / 1000 - deps.reclaimAge)
  return eachDevice(deps, async (node) => {
    let total = 0
    for (let removed = batch; removed >= batch && deps.goOn(); ) {
      const reply = await node.write('reclaim', { before, limit: batch })
      removed = reply.removed
      total += removed
    }
    return total
  })
}
