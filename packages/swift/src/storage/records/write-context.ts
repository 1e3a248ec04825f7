import type { Sqlite } from './sqlite.ts'

/** Dependencies of a writing operation. */
export interface WriteContext {
  db: Sqlite
  /** Files that became garbage, removed after the commit. */
  garbage: string[]
  /** Containers whose account is updated at the end of the group of writes: row → account. */
  touched: Map<number, { accountHash: string; accountCovered: boolean }>
}
