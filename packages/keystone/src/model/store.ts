import type { HearthError } from '@hearth/core'
import { isUniqueViolation, type Query } from '@hearth/database'

export type Row = Record<string, unknown>
export type Attributes = Record<string, unknown>

/** Parses a JSON column; returns {} for an empty one. */
export function readJson(column: unknown): Attributes {
  return typeof column === 'string' && column !== '' ? (JSON.parse(column) as Attributes) : {}
}

/** Returns null for '', which means "none" in columns of unique indexes. */
export const orNull = (column: unknown): string | null => (column ? String(column) : null)

/** Runs a write and returns its result. Throws `conflict()` when the write violates a unique index. */
export async function unique<T>(write: PromiseLike<T>, conflict: () => HearthError): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict()
    throw error
  }
}

/** Returns the rows of `table` whose `column` is one of `values`; reads 500 values in one statement. */
export async function rowsIn(query: Query, table: string, column: string, values: string[]): Promise<Row[]> {
  const rows: Row[] = []
  for (let at = 0; at < values.length; at += 500)
    rows.push(...(await query(table).whereIn(column, values.slice(at, at + 500))))
  return rows
}
