import {
  expiredWindowMs,
  openRevocations,
  publicJwk,
  signToken,
  type VerifyKeys,
  verifyKeysFromJwks,
  verifyToken,
} from '@hearth/auth'
import type { Logger } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { TokenKeeper } from './keeper.ts'
import { believedMs, type KeyRing, prepareKeys, readKeyRing, removeEndedKeys } from './keys.ts'
import { eventRange, listEvents, listSigningKeys, pruneEvents, raiseTokenSeconds, type StoredKey } from './store.ts'

interface TokenSourceOptions {
  /** Secret that wraps the signing keys in the database; it is not stored there. */
  secret: string
  /** Longest lifetime of the tokens signed here, in seconds; default 3600. */
  tokenSeconds?: number
  log: Logger
}

const pollMs = 1000
const pruneEveryMs = 3600 * 1000
/**
 * Extra time for which revocations are stored after the longest token, so that a clock that is wrong by an hour or a
 * day does no harm.
 */
const clockMarginMs = 24 * 3600 * 1000

const keepers = new WeakMap<Database, Promise<TokenKeeper>>()

/**
 * Returns the keeper of the database. A process has one for each database, so that a revocation takes effect at once
 * for all services in it. Throws SigningKeysUnreadable (500) when another secret wrapped the keys in the database.
 */
export function openTokenSource(database: Database, options: TokenSourceOptions): Promise<TokenKeeper> {
  let keeper = keepers.get(database)
  if (!keeper) {
    keeper = openKeeper(database, options, () => keepers.delete(database))
    keepers.set(database, keeper)
    keeper.catch(() => keepers.delete(database))
  }
  return keeper
}

async function openKeeper(database: Database, options: TokenSourceOptions, onClose: () => void): Promise<TokenKeeper> {
  const keys = await openKeys(database, options)
  const feed = openFeed(database)
  let followedAt = 0
  let pruneAt = 0
  const poll = async (): Promise<void> => {
    const begun = performance.now()
    if (begun >= pruneAt) {
      await prune(database)
      await feed.removeOld()
      pruneAt = begun + pruneEveryMs
    }
    await feed.refresh()
    await keys.refresh()
    followedAt = begun
  }
  await poll()
  const stop = repeat(poll, options.log)
  return {
    revocations: feed.revocations,
    followedAt: () => followedAt,
    keys: keys.verifying,
    sign: (identity, extra) => signToken(identity, keys.ring().signing, extra),
    verify: (token) => verifyToken(token, keys.verifying()),
    jwks: () => ({ keys: keys.ring().keys.map(publicJwk) }),
    revision: feed.refresh,
    noteRevocation: feed.note,
    applyRevocations: feed.applyRevocations,
    close() {
      stop()
      onClose()
    },
  }
}

/**
 * Runs `work` once a second, never twice at a time. Logs the first of several failures. Returns the function that stops
 * it.
 */
function repeat(work: () => Promise<void>, log: Logger): () => void {
  let failures = 0
  const step = async (): Promise<void> => {
    try {
      await work()
      failures = 0
    } catch (error) {
      if (failures++ === 0)
        log.warn(
          { err: error },
          'cannot read signing keys and revocations from the database; trying again every second',
        )
    }
    timer = setTimeout(step, pollMs).unref()
    if (stopped) clearTimeout(timer)
  }
  let stopped = false
  let timer = setTimeout(step, pollMs).unref()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

async function prune(database: Database): Promise<void> {
  await removeEndedKeys(database.query)
  const longest = Math.max(expiredWindowMs, ...(await listSigningKeys(database.query)).map(believedMs))
  await pruneEvents(database.query, Date.now() - longest - clockMarginMs)
}

interface Keys {
  ring(): KeyRing
  verifying(): VerifyKeys
  /** Reads the keys again if they were rotated. */
  refresh(): Promise<void>
}

async function openKeys(database: Database, { secret, tokenSeconds = 3600 }: TokenSourceOptions): Promise<Keys> {
  let ring: KeyRing
  let verifying: VerifyKeys
  let version: string
  const readKeys = async (rows: StoredKey[]): Promise<void> => {
    const read = readKeyRing(rows, secret)
    // Recorded before the first signature, so that the key is stored for as long as the token is valid.
    await raiseTokenSeconds(database.query, read.signing.id, tokenSeconds)
    ring = read
    verifying = verifyKeysFromJwks({ keys: read.keys.map(publicJwk) })
    version = versionOf(rows)
  }
  await readKeys(await prepareKeys(database, secret))
  return {
    ring: () => ring,
    verifying: () => verifying,
    async refresh() {
      const rows = await listSigningKeys(database.query)
      if (versionOf(rows) !== version) await readKeys(rows)
    },
  }
}

const versionOf = (rows: StoredKey[]): string => rows.map((row) => `${row.id}:${row.retiredAt}`).join(' ')

function openFeed(database: Database) {
  const revocations = openRevocations()
  let last = 0
  let noted = false
  let applying: Promise<unknown> = Promise.resolve()
  const refresh = async (): Promise<number> => {
    for (const event of await listEvents(database.query, last)) {
      if (event.sequence <= last) continue
      last = event.sequence
      revocations.add(event)
    }
    return last
  }
  return {
    revocations,
    refresh,
    async removeOld() {
      revocations.forgetBefore((await eventRange(database.query)).first)
    },
    note() {
      noted = true
    },
    async applyRevocations() {
      if (noted) {
        noted = false
        applying = refresh()
      }
      await applying
    },
  }
}
