import type { Revocations, TokenSource, VerifiedToken } from '@hearth/auth'
import type { Identity } from '@hearth/core'

/** Signs and verifies tokens and holds the revocations, read from the database by this process. */
export interface TokenKeeper extends TokenSource {
  revocations: Revocations
  /** Signs a token with the newest key. */
  sign(identity: Identity, extra: Record<string, unknown>): string
  /** Returns the claims of a token with a valid signature, or null. Does not check expiry and revocations. */
  verify(token: string): VerifiedToken | null
  /** Public keys in force, as a JSON Web Key Set. */
  jwks(): { keys: Record<string, unknown>[] }
  /** Number of the last revocation, read from the database now. */
  revision(): Promise<number>
  /** Records that a transaction has revoked tokens. */
  noteRevocation(): void
  /** Reads the new revocations if any were noted, so that they are in effect before the caller's response. */
  applyRevocations(): Promise<void>
  close(): void
}
