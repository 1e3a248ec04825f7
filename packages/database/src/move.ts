import { mayMove, type StateTable, sourcesOf } from '@hearth/core'
import type { Query } from './database.ts'

export interface Move {
  table: string
  id: string
  /** The status to write. */
  to: string
  /** State table: which status may become which. */
  states: StateTable
  /** Narrows the statuses it may come from; each must be allowed by `states`. Default: all that `states` allows. */
  from?: string | readonly string[]
  /** More columns to write in the same statement. */
  set?: Record<string, unknown>
}

/**
 * Compare-and-set of a row's `status` (and `updated_at`, milliseconds), in one statement that needs no lock.
 * Returns true when the row moved; false when it does not exist or is in a status from which it may not move.
 */
export async function move(tx: Query, { table, id, to, states, from, set }: Move): Promise<boolean> {
  const sources = from === undefined ? sourcesOf(states, to) : [from].flat()
  const illegal = sources.find((source) => !mayMove(states, source, to))
  if (illegal !== undefined) throw new Error(`the states of ${table} do not allow "${illegal}" to become "${to}"`)
  if (sources.length === 0) return false
  const moved: number = await tx(table)
    .where({ id })
    .whereIn('status', sources)
    .update({ updated_at: Date.now(), ...set, status: to })
  return moved > 0
}
