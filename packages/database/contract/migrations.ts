import { expect } from 'vitest'
import { type Database, type Migration, migrate } from '../src/index.ts'

/**
 * Proves on an empty database that migrations bear repetition: interrupted before statements and run again, run twice,
 * and run again though they were recorded; each time the schema is the same as that of an undisturbed run would be.
 */
export async function provesIdempotent(db: Database, service: string, migrations: readonly Migration[]): Promise<void> {
  await interrupted(db, service, migrations)
  const schema = await schemaOf(db)
  expect(schema.length).toBeGreaterThan(0)
  expect(await migrate(db, service, migrations)).toEqual([])
  await db.query('hearth_migrations').where({ service }).delete()
  expect(await migrate(db, service, migrations)).toEqual(migrations.map(({ name }) => name))
  expect(await schemaOf(db)).toEqual(schema)
}

/**
 * Runs the migrations, interrupted before the first, second, third … statement that changes the schema, until they
 * complete. MariaDB keeps earlier changes; other engines roll them back, so that a few interruptions suffice.
 */
async function interrupted(db: Database, service: string, migrations: readonly Migration[]): Promise<void> {
  const keeps = db.engine === 'mysql'
  for (let allowed = 0; ; allowed += keeps ? 1 : 7) {
    let seen = 0
    const cut = ({ sql }: { sql: string }): void => {
      if (!/^\s*(create|alter|drop|rename)\b/i.test(sql)) return
      seen += 1
      if (seen > allowed) throw new Error('cut short')
    }
    db.query.client.on('query', cut)
    try {
      await migrate(db, service, migrations)
      return
    } catch (error) {
      if (!String(error).includes('cut short')) throw error
    } finally {
      db.query.client.off('query', cut)
    }
  }
}

/** Every column and index of the database as sorted lines of text. */
async function schemaOf(db: Database): Promise<string[]> {
  const rows = (await db.query.raw(statements[db.engine])) as unknown
  const list =
    db.engine === 'mysql'
      ? (rows as [Row[]])[0]
      : db.engine === 'postgres'
        ? (rows as { rows: Row[] }).rows
        : (rows as Row[])
  return list.map((row) => JSON.stringify(Object.values(row))).sort()
}

type Row = Record<string, unknown>

const statements = {
  sqlite: "select type, name, tbl_name, sql from sqlite_master where name not like 'sqlite_%'",
  mysql: `select 'column' as kind, table_name as t, column_name as c, concat_ws(' ', column_type, is_nullable, column_default, collation_name, extra) as about
    from information_schema.columns where table_schema = database()
    union all select 'index', table_name, index_name, concat_ws(' ', seq_in_index, column_name, non_unique)
    from information_schema.statistics where table_schema = database()
    union all select 'constraint', table_name, constraint_name, constraint_type
    from information_schema.table_constraints where table_schema = database()`,
  postgres: `select 'column' as kind, table_name as t, column_name as c, concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default) as about
    from information_schema.columns where table_schema = current_schema()
    union all select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = current_schema()
    union all select 'constraint', table_name, constraint_name, constraint_type
    from information_schema.table_constraints where table_schema = current_schema() and constraint_name not like '%_not_null'`,
}
