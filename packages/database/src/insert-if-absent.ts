import type { Transaction } from './database.ts'
import { isUniqueViolation } from './failures.ts'

/**
 * Inserts `row` unless a unique index forbids it. True when it was inserted. The transaction stays usable either way
 * (on PostgreSQL an ordinary failed INSERT would spoil it).
 */
export async function insertIfAbsent(tx: Transaction, table: string, row: Record<string, unknown>): Promise<boolean> {
  if (tx.client.driverName === 'pg') {
    const rows: unknown[] = await tx(table).insert(row).onConflict().ignore().returning(Object.keys(row).slice(0, 1))
    return rows.length > 0
  }
  try {
    await tx(table).insert(row)
    return true
  } catch (error) {
    if (isUniqueViolation(error)) return false
    throw error
  }
}
