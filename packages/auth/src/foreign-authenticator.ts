import { hash } from 'node:crypto'
import { commonErrors, type Identity } from '@hearth/core'
import { type Authenticator, isInTime } from './authenticator.ts'
import { identityFromTokenBody } from './foreign-token.ts'
import { identityRoot } from './identity-root.ts'
import { type ServiceSession, sendWithToken } from './session.ts'
import { maxTokenLength } from './token.ts'
import { unreachable } from './unreachable.ts'

interface ForeignOptions {
  authUrl: string
  /** Login whose token the requests to Keystone carry. */
  session: ServiceSession
  /** Milliseconds for which a result is cached. Keystone's middleware uses 300 s. */
  cacheMs?: number
}

const cacheEntries = 10_000
const answerMs = 60_000

/** For a Keystone that is not ours: every new token is validated there and believed for a while. */
export function openForeignAuthenticator(options: ForeignOptions): Authenticator {
  const cache = new Map<string, { identity: Identity | null; until: number }>()
  const root = identityRoot(options.authUrl)
  const ask = async (token: string, allowExpired: boolean): Promise<Identity | null> => {
    const url = `${root}/v3/auth/tokens?nocatalog${allowExpired ? '&allow_expired=1' : ''}`
    // Says that access rules are enforced here; Keystone does not show tokens that have some to others.
    const headers = { 'x-subject-token': token, 'openstack-identity-access-rules': '1.0' }
    const send = (own: string): Promise<Response> =>
      fetch(url, { headers: { ...headers, 'x-auth-token': own }, signal: AbortSignal.timeout(answerMs) }).catch(
        (cause: unknown) => {
          throw unreachable(root, cause)
        },
      )
    const response = await sendWithToken(options.session, send)
    if (response.status === 404) return null
    if (!response.ok) throw commonErrors.ServiceUnavailable({ reason: `identity answered ${response.status}` })
    return identityFromTokenBody((await response.json()) as Record<string, unknown>)
  }
  return {
    async authenticate(token, { allowExpired = false } = {}) {
      if (token.length > maxTokenLength || !/^[\x21-\x7e]+$/.test(token)) return null
      const key = `${allowExpired} ${hash('sha256', token, 'base64')}`
      let entry = cache.get(key)
      if (!entry || entry.until < performance.now()) {
        entry = {
          identity: await ask(token, allowExpired),
          until: performance.now() + (options.cacheMs ?? 300_000),
        }
        if (cache.size >= cacheEntries) cache.delete(cache.keys().next().value!)
        cache.set(key, entry)
      }
      return entry.identity && isInTime(entry.identity, allowExpired) ? entry.identity : null
    },
    close: async () => cache.clear(),
  }
}
