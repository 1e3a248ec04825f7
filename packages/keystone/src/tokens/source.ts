import {
  newSigningKeyPem,
  openRevocations,
  publicJwk,
  type RevocationEvent,
  type Revocations,
  readSigningKey,
  type SigningKey,
  signToken,
  type TokenSource,
  type VerifiedToken,
  type VerifyKeys,
  verifyKeysFromJwks,
  verifyToken,
} from '@hearth/auth'
import { hexId, type Identity } from '@hearth/core'
import type { Database } from '@hearth/database'
import { listEvents, listSigningKeys, pruneEvents, saveSigningKey } from './store.ts'

export type SequencedEvent = RevocationEvent & { sequence: number; revokedAt: number }

/** Signs and verifies tokens and knows what was revoked, from this process's eyes on the database. */
export interface TokenKeeper extends TokenSource {
  revocations: Revocations
  sign(identity: Identity, extra: Record<string, unknown>): string
  verify(token: string): VerifiedToken | null
  jwks(): { keys: Record<string, unknown>[] }
  /** Says that a transaction revoked something. */
  noteRevocation(): void
  /** Reads what was noted, so that the answer to the one who revoked comes after. */
  settle(): Promise<void>
  onRevoke(listener: (event: SequencedEvent) => void): void
  close(): void
}

const pollMs = 1000
/** Longer than any token is believed, even by allow_expired. */
const keepEventsMs = 4 * 24 * 3600 * 1000
const pruneEveryMs = 3600 * 1000

const keepers = new WeakMap<Database, Promise<TokenKeeper>>()

/** One keeper for each database in a process, so that a revocation is seen at once by all who share it. */
export function openTokenSource(database: Database): Promise<TokenKeeper> {
  let keeper = keepers.get(database)
  if (!keeper) {
    keeper = openKeeper(database, () => keepers.delete(database))
    keepers.set(database, keeper)
    keeper.catch(() => keepers.delete(database))
  }
  return keeper
}

async function openKeeper(database: Database, forget: () => void): Promise<TokenKeeper> {
  let signing = await readKeys(database)
  let verifying = verifyKeysOf(signing)
  const revocations = openRevocations()
  const feed = openFeed(database, revocations)
  let pruneAt = 0
  const poll = async (): Promise<void> => {
    if (Date.now() >= pruneAt) {
      pruneAt = Date.now() + pruneEveryMs
      await pruneEvents(database.query, Date.now() - keepEventsMs)
    }
    await feed.refresh()
    if ((await listSigningKeys(database.query)).length === signing.length) return
    signing = await readKeys(database)
    verifying = verifyKeysOf(signing)
  }
  await poll()
  const timer = setInterval(() => poll().catch(() => undefined), pollMs)
  timer.unref()
  return {
    revocations,
    keys: () => verifying,
    sign: (identity, extra) => signToken(identity, signing.at(-1)!, extra),
    verify: (token) => verifyToken(token, verifying),
    jwks: () => ({ keys: signing.map(publicJwk) }),
    noteRevocation: feed.note,
    settle: feed.settle,
    onRevoke: feed.onRevoke,
    close() {
      clearInterval(timer)
      forget()
    },
  }
}

/** Keys by age; the first process to look makes the first one. */
async function readKeys(database: Database): Promise<SigningKey[]> {
  let rows = await listSigningKeys(database.query)
  if (rows.length === 0) {
    await saveSigningKey(database.query, { id: hexId().slice(0, 8), pem: newSigningKeyPem() })
    rows = await listSigningKeys(database.query)
  }
  return rows.map((row) => readSigningKey(row.id, row.pem))
}

const verifyKeysOf = (keys: SigningKey[]): VerifyKeys => verifyKeysFromJwks({ keys: keys.map(publicJwk) })

function openFeed(database: Database, revocations: Revocations) {
  const listeners: ((event: SequencedEvent) => void)[] = []
  let last = 0
  let noted = false
  let settling: Promise<void> = Promise.resolve()
  const refresh = async (): Promise<void> => {
    for (const event of await listEvents(database.query, last)) {
      if (event.sequence <= last) continue
      last = event.sequence
      revocations.add(event)
      for (const listener of listeners) listener(event)
    }
  }
  return {
    refresh,
    note() {
      noted = true
    },
    async settle() {
      if (noted) {
        noted = false
        settling = refresh()
      }
      await settling
    },
    onRevoke(listener: (event: SequencedEvent) => void) {
      listeners.push(listener)
    },
  }
}
