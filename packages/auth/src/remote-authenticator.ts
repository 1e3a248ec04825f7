import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@hearth/core'
import { type Authenticator, openLocalAuthenticator, type TokenSource } from './authenticator.ts'
import { identityRoot } from './identity-root.ts'
import { openRevocations, type RevocationEvent } from './revocations.ts'
import { type ServiceSession, sendWithToken } from './session.ts'
import { tokenKeyId, type VerifyKeys, verifyKeysFromJwks } from './token.ts'
import { unreachable } from './unreachable.ts'

export interface RemoteOptions {
  /** Identity endpoint, with or without `/v3`. */
  authUrl: string
  /** Follows revocations with the token of a service user. */
  session: ServiceSession
  log: Logger
  /** How often revocations are fetched, milliseconds; default 1000. */
  pollMs?: number
  /** How long tokens are believed without news of revocations, milliseconds. */
  maxLagMs?: number
}

/** One response of /.well-known/revocations. */
interface Page {
  events: (RevocationEvent & { sequence: number })[]
  /** Numbers of the oldest event kept and of the newest made. */
  first: number
  last: number
  /** Ids of the keys in force. */
  keyIds: string[]
}

/** Keys and revocations that a service fetched from the identity service. */
interface Follower extends TokenSource {
  /** Resolves after the next time news was fetched; throws ServiceUnavailable (503) when that failed. */
  next(): Promise<void>
  close(): void
}

const deniedKeyIds = 1000

/**
 * For services on other hosts than the identity service: follows its keys and revocations. Before the first fetch, and
 * when none succeeded for `maxLagMs`, requests with tokens get 503.
 */
export async function openRemoteAuthenticator(options: RemoteOptions): Promise<Authenticator> {
  const follower = openFollower(options)
  const denied = new Set<string>()
  await follower.next().catch(() => undefined)
  const local = openLocalAuthenticator(follower, options.maxLagMs)
  return {
    async authenticate(token, how) {
      const keyId = tokenKeyId(token)
      if (keyId === null) return null
      // A new key is heard of within one poll. Made-up ones wait for it once, and cause no request of their own.
      if (!follower.keys().has(keyId) && !denied.has(keyId)) {
        await follower.next()
        if (!follower.keys().has(keyId)) {
          if (denied.size >= deniedKeyIds) denied.delete(denied.values().next().value!)
          denied.add(keyId)
        }
      }
      return local.authenticate(token, how)
    },
    async close() {
      follower.close()
      await local.close()
    },
  }
}

const slowestPollMs = 5000
const answerMs = 10_000

function openFollower(options: RemoteOptions): Follower {
  const pollMs = options.pollMs ?? 1000
  const closed = new AbortController()
  const news = openNews(options)
  let waiting: PromiseWithResolvers<void> | null = null
  let failures = 0
  const run = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      const awaited = waiting
      waiting = null
      try {
        await news.fetch()
        if (failures > 0) options.log.info({ failures }, 'revocations are followed again')
        failures = 0
        awaited?.resolve()
      } catch (cause) {
        if (failures++ === 0) options.log.warn({ err: cause }, 'revocations cannot be followed')
        awaited?.reject(unreachable(identityRoot(options.authUrl), cause))
      }
      const pause = Math.min(pollMs * 2 ** failures, Math.max(slowestPollMs, pollMs))
      await sleep(pause, undefined, { signal: closed.signal, ref: false }).catch(() => undefined)
    }
  }
  const next = (): Promise<void> => {
    if (closed.signal.aborted) return Promise.resolve()
    waiting ??= Promise.withResolvers()
    return waiting.promise
  }
  const first = next()
  first.catch(() => undefined)
  void run()
  return {
    keys: news.source.keys,
    followedAt: news.source.followedAt,
    get revocations() {
      return news.source.revocations
    },
    next,
    close() {
      closed.abort()
      waiting?.resolve()
    },
  }
}

function openNews({ authUrl, session }: RemoteOptions): { source: TokenSource; fetch(): Promise<void> } {
  const root = identityRoot(authUrl)
  let keys: VerifyKeys = new Map()
  let revocations = openRevocations()
  let last = 0
  let followedAt = Number.NEGATIVE_INFINITY
  const readKeys = async (): Promise<void> => {
    const response = await fetch(`${root}/.well-known/jwks.json`, { signal: AbortSignal.timeout(answerMs) })
    if (!response.ok) throw new Error(`the keys of identity were answered with ${response.status}`)
    keys = verifyKeysFromJwks((await response.json()) as { keys: [] })
  }
  const readPage = async (): Promise<Page> => {
    const url = `${root}/.well-known/revocations?after=${last}`
    const response = await sendWithToken(session, (token) =>
      fetch(url, { headers: { 'x-auth-token': token }, signal: AbortSignal.timeout(answerMs) }),
    )
    if (response.ok) return (await response.json()) as Page
    // Our own token may have ended with its key, and others with it.
    if (response.status === 401) await readKeys()
    throw new Error(`${url} was answered with ${response.status}`)
  }
  return {
    source: {
      keys: () => keys,
      get revocations() {
        return revocations
      },
      followedAt: () => followedAt,
    },
    async fetch() {
      const begun = performance.now()
      let page = await readPage()
      let known = revocations
      if (page.last < last) {
        // The numbers began anew: the database is another one.
        last = 0
        known = openRevocations()
        page = await readPage()
      }
      if (!sameIds(page.keyIds, keys)) await readKeys()
      for (; page.events.length > 0; page = await readPage()) {
        for (const event of page.events) known.add(event)
        last = page.events.at(-1)!.sequence
      }
      known.forgetBefore(page.first)
      revocations = known
      followedAt = begun
    },
  }
}

const sameIds = (ids: string[], keys: VerifyKeys): boolean =>
  ids.length === keys.size && ids.every((id) => keys.has(id))
