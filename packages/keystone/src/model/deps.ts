import type { Clock } from '@hearth/core'
import type { Database, Transaction } from '@hearth/database'
import type { SecurityCompliance } from './login/compliance.ts'
import type { Throttle } from './login/throttle.ts'
import type { TokenKeeper } from './tokens/keeper.ts'

/** Dependencies of the identity operations. */
export interface Deps {
  database: Database
  tokens: TokenKeeper
  /** Base address for links; null: the address that the caller used. */
  publicUrl: string | null
  /** Lifetime of a token in seconds. */
  tokenSeconds: number
  /** Clock for the rules about log-ins and passwords. */
  clock: Clock
  compliance: SecurityCompliance
  throttle: Throttle
}

/**
 * Runs `work` in a transaction and returns its result. Revocations made by `work` are in effect in this process when
 * the promise resolves.
 */
export async function commit<T>(deps: Deps, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const result = await deps.database.transaction(work)
  await deps.tokens.applyRevocations()
  return result
}
