import { createHash } from 'node:crypto'
import { commonErrors, type Identity, type Logger } from '@hearth/core'
import { identityFromTokenBody } from './foreign-token.ts'
import { identityRoot } from './identity-root.ts'
import { openRevocations, type Revocations } from './revocations.ts'
import { fetchJson, type ServiceSession } from './session.ts'
import { tokenKeyId, type VerifyKeys, verifyKeysFromJwks, verifyToken } from './token.ts'

/** Tells who holds a token. */
export interface Authenticator {
  /**
   * Null for a token that is unknown, expired or revoked. Throws ServiceUnavailable (503) when the identity service has
   * to be asked and does not answer.
   */
  authenticate(token: string): Promise<Identity | null>
  close(): Promise<void>
}

/** What signed tokens are checked with; keystone hands it over directly in one process. */
export interface TokenSource {
  keys(): VerifyKeys
  revocations: Revocations
}

const cacheEntries = 10_000

/** Verifies signed tokens without asking anybody; signatures already seen cost a map look-up. */
export function openLocalAuthenticator(source: TokenSource): Authenticator {
  const seen = new Map<string, Identity>()
  return {
    async authenticate(token) {
      let identity = seen.get(token)
      if (!identity) {
        identity = verifyToken(token, source.keys())?.identity
        if (!identity) return null
        if (seen.size >= cacheEntries) seen.delete(seen.keys().next().value!)
        seen.set(token, identity)
      }
      if (identity.expiresAt <= Date.now()) {
        seen.delete(token)
        return null
      }
      return source.revocations.isRevoked(identity) ? null : identity
    },
    close: async () => seen.clear(),
  }
}

export interface RemoteOptions {
  /** Identity endpoint, with or without `/v3`. */
  authUrl: string
  log: Logger
  /** How often revocations are fetched, milliseconds. */
  pollMs?: number
}

/** For services on other hosts than the identity service: fetches its public keys and follows its revocations. */
export async function openRemoteAuthenticator(options: RemoteOptions): Promise<Authenticator> {
  const root = identityRoot(options.authUrl)
  let keys: VerifyKeys = new Map()
  let lastSeen = 0
  const revocations = openRevocations()
  const fetchKeys = async (): Promise<void> => {
    keys = verifyKeysFromJwks((await fetchJson(`${root}/.well-known/jwks.json`)) as { keys: [] })
  }
  const poll = async (): Promise<void> => {
    const { events } = (await fetchJson(`${root}/.well-known/revocations?after=${lastSeen}`)) as {
      events: ({ sequence: number } & Parameters<Revocations['add']>[0])[]
    }
    for (const event of events) {
      revocations.add(event)
      lastSeen = Math.max(lastSeen, event.sequence)
    }
  }
  const timer = setInterval(() => {
    Promise.all([keys.size === 0 ? fetchKeys() : undefined, poll()]).catch((error: unknown) =>
      options.log.warn({ err: error }, 'cannot follow revocations'),
    )
  }, options.pollMs ?? 1000)
  timer.unref()
  await Promise.all([fetchKeys(), poll()]).catch(() => undefined)
  const local = openLocalAuthenticator({ keys: () => keys, revocations })
  return {
    async authenticate(token) {
      const keyId = tokenKeyId(token)
      if (keyId === null) return null
      if (!keys.has(keyId))
        await fetchKeys().catch((cause: unknown) => {
          throw commonErrors.ServiceUnavailable({ reason: 'the identity service does not answer' }, cause)
        })
      return local.authenticate(token)
    },
    async close() {
      clearInterval(timer)
      await local.close()
    },
  }
}

export interface ForeignOptions {
  authUrl: string
  /** Our own token, to ask with. */
  session: ServiceSession
  /** How long an answer is believed, milliseconds. Keystone's middleware uses 300 s. */
  cacheMs?: number
}

/** For a Keystone that is not ours: every new token is validated there and believed for a while. */
export function openForeignAuthenticator(options: ForeignOptions): Authenticator {
  const cache = new Map<string, { identity: Identity | null; until: number }>()
  const root = identityRoot(options.authUrl)
  const ask = async (token: string): Promise<Identity | null> => {
    const response = await fetch(`${root}/v3/auth/tokens?nocatalog`, {
      headers: { 'x-auth-token': await options.session.token(), 'x-subject-token': token },
    }).catch((cause: unknown) => {
      throw commonErrors.ServiceUnavailable({ reason: 'the identity service does not answer' }, cause)
    })
    if (response.status === 404) return null
    if (!response.ok) throw commonErrors.ServiceUnavailable({ reason: `identity answered ${response.status}` })
    return identityFromTokenBody((await response.json()) as Record<string, unknown>)
  }
  return {
    async authenticate(token) {
      const key = createHash('sha256').update(token).digest('base64')
      let entry = cache.get(key)
      if (!entry || entry.until < Date.now()) {
        entry = { identity: await ask(token), until: Date.now() + (options.cacheMs ?? 300_000) }
        if (cache.size >= cacheEntries) cache.delete(cache.keys().next().value!)
        cache.set(key, entry)
      }
      return entry.identity && entry.identity.expiresAt > Date.now() ? entry.identity : null
    },
    close: async () => cache.clear(),
  }
}
