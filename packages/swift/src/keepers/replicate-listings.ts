import { placeAccount, placeContainer } from '../placement/cluster.ts'
import { coversAccount } from '../placement/listings.ts'
import type { Node } from '../storage/network/node.ts'
import type { Account, Container } from '../storage/records/operations.ts'
import { later } from '../storage/time.ts'
import type { KeeperDeps } from './deps.ts'

const batch = 200

/**
 * Brings the other replicas of accounts and containers up to date: existence, metadata and, where counts differ,
 * listing entries. With `only`, just the replicas on that device. Returns the number of changes sent.
 */
export async function replicateListings(deps: KeeperDeps, node: Node, only?: Node): Promise<number> {
  let sent = 0
  for (let after = 0; deps.goOn(); ) {
    const rows = await node.read('listAccounts', { after, limit: batch })
    for (const row of rows) sent += await sendAccount(deps, node, row.value, only)
    if (rows.length < batch) break
    after = rows.at(-1)!.row
  }
  for (let after = 0; deps.goOn(); ) {
    const rows = await node.read('listContainers', { after, limit: batch })
    for (const row of rows) sent += await sendContainer(deps, node, row.value, only)
    if (rows.length < batch) break
    after = rows.at(-1)!.row
    await new Promise(setImmediate)
  }
  return sent
}

const newest = (metadata: Account['metadata']) =>
  Object.values(metadata).reduce((latest, [, timestamp]) => later(latest, timestamp), '')

async function sendAccount(deps: KeeperDeps, node: Node, mine: Account, only?: Node): Promise<number> {
  const place = placeAccount(deps.storage.cluster, mine.account)
  let sent = 0
  for (const other of place.primaries) {
    if (other.key === node.key || (only && other.key !== only.key)) continue
    try {
      const theirs = await other.read('getAccount', { hash: place.hash })
      const base = { account: mine.account, accountHash: place.hash, metadata: mine.metadata }
      if (!theirs || newest(theirs.metadata) < newest(mine.metadata)) {
        await other.write('putAccount', { ...base, timestamp: mine.putTimestamp })
        sent++
      }
      if (mine.deleteTimestamp > mine.putTimestamp && (!theirs || theirs.deleteTimestamp < mine.deleteTimestamp))
        await other.write('deleteAccount', { ...base, timestamp: mine.deleteTimestamp })
    } catch (error) {
      if (only) throw error
      deps.log.info({ err: error, to: other.key }, 'an account waits for its device')
    }
  }
  return sent
}

async function sendContainer(deps: KeeperDeps, node: Node, mine: Container, only?: Node): Promise<number> {
  const { cluster } = deps.storage
  const { account, container } = mine
  const place = placeContainer(cluster, account, container)
  const base = {
    ...{ account, container, containerHash: place.hash, accountHash: placeAccount(cluster, account).hash },
    accountCovered: coversAccount(cluster, account, container),
  }
  let sent = 0
  for (const other of place.primaries) {
    if (other.key === node.key || (only && other.key !== only.key)) continue
    try {
      const theirs = await other.read('getContainer', { hash: place.hash })
      const exists = mine.putTimestamp > mine.deleteTimestamp
      if (
        exists &&
        (!theirs || theirs.putTimestamp < mine.putTimestamp || newest(theirs.metadata) < newest(mine.metadata))
      ) {
        await other.write('putContainer', { ...base, timestamp: mine.putTimestamp, metadata: mine.metadata })
        sent++
      }
      if (theirs && !exists && theirs.deleteTimestamp < mine.deleteTimestamp)
        await other.write('deleteContainer', { ...base, timestamp: mine.deleteTimestamp })
      if (!theirs || theirs.objectCount !== mine.objectCount || theirs.bytesUsed !== mine.bytesUsed)
        sent += await sendEntries(node, other, place.hash, base)
    } catch (error) {
      if (only) throw error
      deps.log.info({ err: error, to: other.key }, 'a container waits for its device')
    }
  }
  return sent
}

type Base = { account: string; accountHash: string; accountCovered: boolean; container: string; containerHash: string }

/** Sends all lines, deletions too; the newer line wins on the other side. */
async function sendEntries(node: Node, other: Node, hash: string, base: Base): Promise<number> {
  let sent = 0
  for (const deleted of [false, true]) {
    for (let after = ''; ; ) {
      const entries = await node.read('listEntries', { hash, after, deleted, limit: batch })
      if (entries.length === 0) break
      await other.write('recordEntries', { updates: entries.map((entry) => ({ ...base, entry })) })
      sent += entries.length
      after = entries.at(-1)!.name
    }
  }
  return sent
}
