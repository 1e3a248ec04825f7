import type { Node } from '../storage/network/node.ts'
import type { KeeperDeps } from './deps.ts'

/** Works on each device of this host; one that fails keeps the others from nothing. Returns the sum of the results. */
export async function eachDevice(deps: KeeperDeps, work: (node: Node) => Promise<number>): Promise<number> {
  let sum = 0
  for (const node of deps.storage.local) {
    if (!deps.goOn()) break
    try {
      sum += await work(node)
    } catch (error) {
      deps.log.info({ err: error, device: node.key }, 'a keeper cannot work on a device')
    }
  }
  return sum
}
