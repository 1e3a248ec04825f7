import knex, { type Knex } from 'knex'
import type { Database, Engine, Transaction } from './database.ts'
import { mysqlConfig } from './engines/mysql.ts'
import { postgresConfig } from './engines/postgres.ts'
import { insideTransaction, sqliteConfig } from './engines/sqlite.ts'
import { runTransaction } from './transaction.ts'

export interface DatabaseOptions {
  /** Most connections at once; SQLite always has one. Default 16. */
  poolSize?: number
}

/**
 * Opens a database and proves that it answers. `sqlite:/path/file.db`, `sqlite::memory:`,
 * `mysql://user:password@host:3306/name` (MariaDB too; `mariadb:` is the same), `postgres://user:password@host:5432/name`.
 * Errors name the URL without its password.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const [engine, config] = configOf(url, options.poolSize ?? 16)
  const pool = knex({ ...config, acquireConnectionTimeout: 30_000, compileSqlOnError: false, log: quiet })
  try {
    await pool.raw('select 1')
  } catch (error) {
    await pool.destroy().catch(() => undefined)
    throw new Error(`cannot open the database ${redactUrl(url)}: ${reasonOf(error)}`, { cause: error })
  }
  return databaseOf(pool, engine)
}

/** Knex writes to the console what it also throws. */
const quiet = { warn() {}, error() {}, deprecate() {}, debug() {} }

function databaseOf(pool: Knex, engine: Engine): Database {
  const around = engine === 'sqlite' ? insideTransaction : <T>(run: () => Promise<T>) => run()
  let closing: Promise<void> | undefined
  return {
    query: pool,
    engine,
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => runTransaction<T>(pool, work, around),
    close() {
      closing ??= pool.destroy()
      return closing
    },
  }
}

function configOf(url: string, poolSize: number): [Engine, Knex.Config] {
  const scheme = /^([a-z]+):/.exec(url)?.[1]
  if (scheme === 'sqlite') {
    const filename = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
    if (filename === '') throw new Error('a sqlite: URL needs a file, like sqlite:/var/lib/hearth/cinder.db')
    return ['sqlite', sqliteConfig(filename)]
  }
  if (scheme === 'mysql' || scheme === 'mariadb') return ['mysql', mysqlConfig(serverUrl(url), poolSize)]
  if (scheme === 'postgres' || scheme === 'postgresql') return ['postgres', postgresConfig(serverUrl(url), poolSize)]
  throw new Error(`the database URL ${redactUrl(url)} must begin with sqlite:, mysql: or postgres:`)
}

function serverUrl(text: string): URL {
  // WHATWG parsing of a scheme it does not know keeps a host only after two slashes.
  const url = URL.parse(text)
  if (!url?.hostname || url.pathname.length < 2) {
    throw new Error(`the database URL ${redactUrl(text)} must look like scheme://user:password@host:port/name`)
  }
  return url
}

/** The same URL with its password masked, fit for logs and errors. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#:]*):.*@/i, '$1:***@')
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
