import { sendUpdates } from '../placement/listings.ts'
import type { KeeperDeps } from './deps.ts'
import { eachDevice } from './each-device.ts'

const batch = 200

/** Delivers listing entries that could not be delivered when their objects were written. Returns their number. */
export async function updateListings(deps: KeeperDeps): Promise<number> {
  return eachDevice(deps, async (node) => {
    let delivered = 0
    for (let after = 0; deps.goOn(); ) {
      const pending = await node.read('listPending', { after, limit: batch })
      if (pending.length === 0) break
      after = pending.at(-1)!.id
      for (const [device, group] of Map.groupBy(pending, (entry) => entry.device)) {
        try {
          await sendUpdates(
            deps.storage.cluster,
            device,
            group.map((entry) => entry.update),
          )
          await node.write('forgetPending', { ids: group.map((entry) => entry.id) })
          delivered += group.length
        } catch (error) {
          deps.log.info({ err: error, device, lines: group.length }, 'listing lines wait for their device')
        }
      }
    }
    return delivered
  })
}
