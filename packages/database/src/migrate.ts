import type { Database, Engine, Transaction } from './database.ts'

export interface Migration {
  /** Unique in its service and sortable, e.g. `0001-volumes`. Applied in the order of the array. */
  name: string
  /** Must bear repetition, because on MariaDB a crash may leave it half done; `createTable` and `addColumns` do. */
  up(tx: Transaction, engine: Engine): Promise<void>
}

const table = 'hearth_migrations'

/**
 * Brings the tables of `service` up to date: runs each migration not yet recorded, each in its own transaction. Several
 * processes may call it at once: one works, the others wait. Returns the names of the migrations that it ran.
 */
export async function migrate(db: Database, service: string, migrations: readonly Migration[]): Promise<string[]> {
  const doubled = migrations.find((one, at) => migrations.findIndex((other) => other.name === one.name) !== at)
  if (doubled) throw new Error(`two migrations of ${service} are named ${doubled.name}`)
  await exclusively(db, (tx) => createBookkeeping(tx))
  const done = new Set<string>(await db.query(table).where({ service }).pluck('name'))
  const ran: string[] = []
  for (const migration of migrations) {
    if (done.has(migration.name)) continue
    const applied = await exclusively(db, (tx) => apply(tx, db.engine, service, migration))
    if (applied) ran.push(migration.name)
  }
  return ran
}

async function apply(tx: Transaction, engine: Engine, service: string, migration: Migration): Promise<boolean> {
  const { name } = migration
  const recorded: unknown = await tx(table).where({ service, name }).first()
  if (recorded) return false
  try {
    await migration.up(tx, engine)
  } catch (error) {
    throw new Error(`migration ${service}/${name} failed: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
  await tx(table).insert({ service, name, applied_at: Date.now() })
  return true
}

async function createBookkeeping(tx: Transaction): Promise<void> {
  if (await tx.schema.hasTable(table)) return
  await tx.schema.createTable(table, (columns) => {
    columns.string('service', 64).notNullable()
    columns.string('name', 128).notNullable()
    columns.bigInteger('applied_at').notNullable()
    columns.primary(['service', 'name'])
  })
}

/**
 * A transaction that at most one process runs. SQLite's write transaction is that already; MariaDB ends a transaction
 * at each CREATE or ALTER, so there the lock belongs to the connection.
 */
async function exclusively<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    if (db.engine === 'postgres') await tx.raw(`select pg_advisory_xact_lock(hashtext('${table}'))`)
    if (db.engine !== 'mysql') return work(tx)
    const lock = `concat(left(database(), 40), '/${table}')`
    const [[row]] = (await tx.raw(`select get_lock(${lock}, 120) as got`)) as [{ got: number | null }[]]
    if (row?.got !== 1) throw new Error('another process has been migrating the database for two minutes')
    try {
      return await work(tx)
    } finally {
      await tx.raw(`select release_lock(${lock})`)
    }
  })
}
