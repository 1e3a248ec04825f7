import type { Knex } from 'knex'
import type { Transaction } from './database.ts'

const alreadyThere = new Set([
  'ER_TABLE_EXISTS_ERROR',
  'ER_DUP_KEYNAME',
  'ER_DUP_FIELDNAME',
  'ER_FK_DUP_NAME',
  'ER_DUP_CONSTRAINT_NAME',
])

/**
 * Creates a table unless it exists, and adds missing indexes: on MariaDB a crash between CREATE TABLE and the
 * statements that add indexes leaves a table without them.
 */
export async function createTable(
  tx: Transaction,
  table: string,
  build: (columns: Knex.CreateTableBuilder) => void,
): Promise<void> {
  if (tx.client.driverName === 'mysql2') return completing(tx, tx.schema.createTable(table, build))
  if (await tx.schema.hasTable(table)) return
  await tx.schema.createTable(table, build)
}

/**
 * Adds columns, each unless it exists: `addColumns(tx, 'volumes', { shared: (columns) => columns.boolean('shared') })`.
 */
export async function addColumns(
  tx: Transaction,
  table: string,
  columns: Record<string, (builder: Knex.AlterTableBuilder) => void>,
): Promise<void> {
  for (const [column, build] of Object.entries(columns)) {
    if (tx.client.driverName === 'mysql2') await completing(tx, tx.schema.alterTable(table, build))
    else if (!(await tx.schema.hasColumn(table, column))) await tx.schema.alterTable(table, build)
  }
}

/** Adds an index on one column unless it exists. */
export async function createIndex(tx: Transaction, table: string, column: string): Promise<void> {
  await tx.raw('create index if not exists ?? on ?? (??)', [`${table}_${column}_index`, table, column])
}

async function completing(tx: Transaction, schema: Knex.SchemaBuilder): Promise<void> {
  for (const { sql, bindings } of schema.toSQL() as unknown as { sql: string; bindings?: Knex.RawBinding[] }[]) {
    try {
      await tx.raw(sql, bindings ?? [])
    } catch (error) {
      if (!alreadyThere.has((error as { code?: string }).code ?? '')) throw error
    }
  }
}
