import { placeAccount, quorumOf } from '../placement/cluster.ts'
import { settle, valuesOf } from '../placement/quorum.ts'
import type { KeeperDeps } from './deps.ts'
import { eachDevice } from './each-device.ts'

const batch = 200

/**
 * Reports the contents of containers to their accounts, where that did not happen in the same commit. Returns the
 * number of reports.
 */
export async function reportContainers(deps: KeeperDeps): Promise<number> {
  const { cluster } = deps.storage
  return eachDevice(deps, async (node) => {
    let told = 0
    const unreported = await node.read('listUnreported', { limit: batch })
    for (const [account, group] of Map.groupBy(unreported, (stats) => stats.account)) {
      if (!deps.goOn()) return told
      const place = placeAccount(cluster, account)
      const stats = group.map(({ containerHash: _, ...each }) => ({ ...each, accountHash: place.hash }))
      const outcomes = await settle(place.primaries.map((each) => each.write('recordStats', { stats })))
      if (valuesOf(outcomes).length < quorumOf(place.primaries.length)) continue
      await node.write('markReported', { containers: group })
      told += group.length
    }
    return told
  })
}
