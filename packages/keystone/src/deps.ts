import type { Clock } from '@hearth/core'
import type { Database, Transaction } from '@hearth/database'
import type { SecurityCompliance } from './login/compliance.ts'
import type { Throttle } from './login/throttle.ts'
import type { TokenKeeper } from './tokens/keeper.ts'

/** What identity operations work with. */
export interface Deps {
  database: Database
  tokens: TokenKeeper
  /** Address for links; the one the caller used when null. */
  publicUrl: string | null
  /** Life of a token, seconds. */
  tokenSeconds: number
  /** The time that rules about log-ins and passwords go by. */
  clock: Clock
  compliance: SecurityCompliance
  throttle: Throttle
}

/** Runs `work` in a transaction; what it revoked is void everywhere in this process when this resolves. */
export async function commit<T>(deps: Deps, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const result = await deps.database.transaction(work)
  await deps.tokens.applyRevocations()
  return result
}
