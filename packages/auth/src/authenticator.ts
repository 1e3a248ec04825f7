import { hash } from 'node:crypto'
import { commonErrors, type Identity } from '@hearth/core'
import type { Revocations } from './revocations.ts'
import { expiredWindowMs, maxTokenLength, tokenKeyId, type VerifyKeys, verifyToken } from './token.ts'

interface AuthenticateOptions {
  /** Believe a token until two days after its end, for requests that carry a service's own token as well. */
  allowExpired?: boolean
}

/** Finds the identity behind a token. */
export interface Authenticator {
  /**
   * Returns null for a token that is unknown, expired or revoked. Throws ServiceUnavailable (503) when the identity
   * service has to be asked and does not respond, or when revocations have not been followed for too long.
   */
  authenticate(token: string, options?: AuthenticateOptions): Promise<Identity | null>
  close(): Promise<void>
}

/** Keys and revocations to check signed tokens with; within one process keystone passes its own. */
export interface TokenSource {
  keys(): VerifyKeys
  readonly revocations: Revocations
  /** When keys and revocations were last read, on the clock of performance.now(), which never goes back. */
  followedAt(): number
}

/** How long tokens are believed without news of revocations, milliseconds. */
const defaultMaxLagMs = 60_000

const cacheEntries = 10_000

/** Verifies signed tokens without a request; signatures already seen cost a map look-up. */
export function openLocalAuthenticator(source: TokenSource, maxLagMs = defaultMaxLagMs): Authenticator {
  const seen = new Map<string, { identity: Identity; keyId: string }>()
  const read = (token: string): Identity | null => {
    if (token.length > maxTokenLength) return null
    // By digest: ten thousand tokens of the longest kind would fill the memory.
    const digest = hash('sha256', token, 'base64')
    const known = seen.get(digest)
    if (known && source.keys().has(known.keyId)) return known.identity
    seen.delete(digest)
    const identity = verifyToken(token, source.keys())?.identity
    if (!identity) return null
    if (seen.size >= cacheEntries) seen.delete(seen.keys().next().value!)
    seen.set(digest, { identity, keyId: tokenKeyId(token)! })
    return identity
  }
  return {
    async authenticate(token, { allowExpired = false } = {}) {
      const identity = read(token)
      if (!identity || !isInTime(identity, allowExpired)) return null
      if (performance.now() - source.followedAt() > maxLagMs)
        throw commonErrors.ServiceUnavailable({
          reason: `revoked tokens cannot be told from good ones: none were heard of for ${maxLagMs / 1000} s`,
        })
      return source.revocations.isRevoked(identity) ? null : identity
    },
    close: async () => seen.clear(),
  }
}

/** True until the token's end, or two days later where expired ones are allowed. */
export function isInTime(identity: Identity, allowExpired: boolean): boolean {
  return identity.expiresAt + (allowExpired ? expiredWindowMs : 0) > Date.now()
}
