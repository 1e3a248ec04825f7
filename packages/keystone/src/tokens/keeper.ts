import type { Revocations, TokenSource, VerifiedToken } from '@hearth/auth'
import type { Identity } from '@hearth/core'

/** Signs and verifies tokens and knows what was revoked, from this process's eyes on the database. */
export interface TokenKeeper extends TokenSource {
  revocations: Revocations
  sign(identity: Identity, extra: Record<string, unknown>): string
  verify(token: string): VerifiedToken | null
  jwks(): { keys: Record<string, unknown>[] }
  /** Number of the last revocation, read from the database now. */
  revision(): Promise<number>
  /** Says that a transaction revoked something. */
  noteRevocation(): void
  /** Reads what was noted, so that the answer to the one who revoked comes after. */
  applyRevocations(): Promise<void>
  close(): void
}
