import type { Sqlite } from './sqlite.ts'

/** What an operation works with besides its input. */
export interface WriteContext {
  db: Sqlite
  /** Files that became garbage, removed after the commit. */
  garbage: string[]
  /** Containers whose account is told at the end of the group of writes: row → account. */
  touched: Map<number, { accountHash: string; accountCovered: boolean }>
}
