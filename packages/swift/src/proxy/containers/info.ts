import { own } from '@hearth/core'
import { placeAccount, placeContainer } from '../../placement/cluster.ts'
import { newestAnswer } from '../../placement/read.ts'
import type { Account, Container } from '../../storage/records/operations.ts'
import { later } from '../../storage/time.ts'
import type { ProxyDeps } from '../deps.ts'

/**
 * Returns the container of the newest replica found; null when it does not exist. Throws 503 when no replica responds.
 */
export async function findContainer(
  deps: Pick<ProxyDeps, 'cluster'>,
  account: string,
  container: string,
): Promise<Container | null> {
  const place = placeContainer(deps.cluster, account, container)
  const found = await newestAnswer(place, (node) => node.read('getContainer', { hash: place.hash }), lastChange)
  return found && found.putTimestamp > found.deleteTimestamp ? found : null
}

/** The account, deleted ones included; null when there never was one. */
export async function findAccount(deps: Pick<ProxyDeps, 'cluster'>, account: string): Promise<Account | null> {
  const place = placeAccount(deps.cluster, account)
  return newestAnswer(place, (node) => node.read('getAccount', { hash: place.hash }), lastChange)
}

const lastChange = (of: { putTimestamp: string; deleteTimestamp: string }) => later(of.putTimestamp, of.deleteTimestamp)

/** Returns true when the last deletion is at least as new as the last creation. */
export const isDeleted = (of: { putTimestamp: string; deleteTimestamp: string }): boolean =>
  of.deleteTimestamp >= of.putTimestamp

/** The value of one metadata name, or null when it is not set. */
export function metadataOf(of: { metadata: Container['metadata'] } | null, name: string): string | null {
  const value = of ? own(of.metadata, name)?.[0] : undefined
  return value === undefined || value === '' ? null : value
}
