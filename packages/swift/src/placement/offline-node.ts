import { StorageError } from '../storage/errors.ts'
import type { Node } from './node.ts'

/** A device of this host that cannot be opened: everything asked of it fails, and other devices take its place. */
export function offlineNode(key: string, reason: string): Node {
  const fail = async (): Promise<never> => {
    throw new StorageError('offline', `the device ${key} is not open: ${reason}`)
  }
  return {
    key,
    local: false,
    write: fail,
    read: fail,
    stage: fail,
    // biome-ignore lint/correctness/useYield: it fails before it could yield anything
    async *body() {
      await fail()
    },
  }
}
