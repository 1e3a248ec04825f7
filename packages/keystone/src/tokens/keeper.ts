import type { Revocations, TokenSource, VerifiedToken } from '@hearth/auth'
import type { Identity } from '@hearth/core'

/** Signs and verifies tokens and holds the revocations, read from the database by this process. */
export interface TokenKeeper extends TokenSource {
  revocations: Revocations
  sign(identity: Identity, extra: Record<string, unknown>): string
  verify(token: string): VerifiedToken | null
  jwks(): { keys: Record<string, unknown>[] }
  /** Number of the last revocation, read from the database now. */
  revision(): Promise<number>
  /** Records that a transaction has revoked tokens. */
  noteRevocation(): void
  /** Reads the new revocations if any were noted, so that they are in effect before the caller's response. */
  applyRevocations(): Promise<void>
  close(): void
}
