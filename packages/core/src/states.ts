import { own } from './members.ts'
/** Allowed moves of a status: from → the statuses it may become. A status that may only be removed maps to `[]`. */
export type StateTable = Readonly<Record<string, readonly string[]>>

/** The statuses from which `to` may be reached. Throws on a status that the table does not know. */
export function sourcesOf(table: StateTable, to: string): string[] {
  const sources = Object.keys(table).filter((from) => own(table, from)?.includes(to))
  if (sources.length === 0 && !Object.hasOwn(table, to)) throw new Error(`no status "${to}" in the state table`)
  return sources
}

/** True when the table allows the move from one status to the other. */
export function mayMove(table: StateTable, from: string, to: string): boolean {
  return own(table, from)?.includes(to) ?? false
}
