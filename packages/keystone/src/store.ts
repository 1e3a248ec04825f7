import type { HearthError } from '@hearth/core'
import { isUniqueViolation, type Query } from '@hearth/database'

export type Row = Record<string, unknown>
export type Attributes = Record<string, unknown>

/** Reads a JSON column; {} for an empty one. */
export function readJson(column: unknown): Attributes {
  return typeof column === 'string' && column !== '' ? (JSON.parse(column) as Attributes) : {}
}

/** '' stands for "none" in columns that unique indexes cover. */
export const orNull = (column: unknown): string | null => (column ? String(column) : null)

/** Runs a write and answers `conflict()` when a unique index forbids it. */
export async function unique<T>(write: PromiseLike<T>, conflict: () => HearthError): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict()
    throw error
  }
}

/** Rows of `table` where `column` is one of `values`, in few statements whatever their number. */
export async function rowsIn(query: Query, table: string, column: string, values: string[]): Promise<Row[]> {
  const rows: Row[] = []
  for (let at = 0; at < values.length; at += 500)
    rows.push(...(await query(table).whereIn(column, values.slice(at, at + 500))))
  return rows
}
