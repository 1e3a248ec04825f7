import { errorTable, redactUrl, type ServerTls } from '@hearth/core'
import knex, { type Knex } from 'knex'
import type { Database, Engine, Transaction } from './database.ts'
import { mysqlConfig } from './engines/mysql.ts'
import { postgresConfig } from './engines/postgres.ts'
import { insideTransaction, relieve, sqliteConfig } from './engines/sqlite.ts'
import { runTransaction } from './transaction.ts'

export interface DatabaseOptions {
  /** Most connections at once; SQLite always has one. Default 16. */
  poolSize?: number
  /** Settings to connect to the server by TLS. */
  tls?: ServerTls | undefined
}

const errors = errorTable({
  BadUrl: [
    500,
    'database (HEARTH_DATABASE): it must be sqlite:, sqlite:/path/file.db, mysql://user:password@host:port/name or postgres://user:password@host:port/name; in a password write @ / ? # as %40 %2F %3F %23',
  ],
  UrlParameters: [
    500,
    'database (HEARTH_DATABASE): the URL must have no parameters behind a ?; TLS is configured by databaseTls',
  ],
  CannotOpen: [503, 'database (HEARTH_DATABASE): cannot open {url}: {reason}'],
})

/** Seconds within which a server must respond to the first query. */
const openSeconds = 8

/** Advice for each code with which a server refuses a connection. */
const remedies = new Map([
  ['ER_BAD_DB_ERROR', 'create it on the server: CREATE DATABASE name'],
  ['3D000', 'create it on the server: CREATE DATABASE name'],
  ['ER_ACCESS_DENIED_ERROR', 'check user and password'],
  ['28P01', 'check user and password'],
  ['ER_DBACCESS_DENIED_ERROR', 'let this user in: GRANT ALL ON name.* TO user'],
  ['ECONNREFUSED', 'no server listens there'],
  ['ENOTFOUND', 'there is no host of that name'],
])

/**
 * Opens a database and checks that it responds. `sqlite:/path/file.db`, `sqlite::memory:`,
 * `mysql://user:password@host:3306/name` (MariaDB too; `mariadb:` is the same),
 * `postgres://user:password@host:5432/name`. Throws CannotOpen, which names the URL without its password, within 8 s,
 * and BadUrl.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const [engine, config] = configOf(url, options.poolSize ?? 16, options.tls)
  const pool = knex({ ...config, acquireConnectionTimeout: 30_000, compileSqlOnError: false, log: quiet })
  try {
    await withinSeconds(openSeconds, pool.raw('select 1'))
  } catch (error) {
    void pool.destroy().catch(() => undefined)
    throw errors.CannotOpen({ url: engine === 'sqlite' ? url : redactUrl(url), reason: reasonOf(error) }, error)
  }
  return databaseOf(
    pool,
    engine,
    () => engine === 'sqlite' && relieve((config.connection as { filename: string }).filename),
  )
}

/** Silent logger: knex also throws the errors that it writes to the console. */
const quiet = { warn() {}, error() {}, deprecate() {}, debug() {} }

function databaseOf(pool: Knex, engine: Engine, makeRoom: () => boolean): Database {
  const around = engine === 'sqlite' ? insideTransaction : <T>(run: () => Promise<T>) => run()
  let closing: Promise<void> | undefined
  return {
    query: pool,
    engine,
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => runTransaction<T>(pool, work, around, makeRoom),
    close() {
      closing ??= pool.destroy()
      return closing
    },
  }
}

function configOf(url: string, poolSize: number, tls: ServerTls | undefined): [Engine, Knex.Config] {
  const scheme = /^([a-z]+):/.exec(url)?.[1]
  if (scheme === 'sqlite') {
    const filename = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
    if (filename === '') throw errors.BadUrl()
    return ['sqlite', sqliteConfig(filename)]
  }
  if (scheme === 'mysql' || scheme === 'mariadb') return ['mysql', mysqlConfig(serverUrl(url), poolSize, tls)]
  if (scheme === 'postgres' || scheme === 'postgresql')
    return ['postgres', postgresConfig(serverUrl(url), poolSize, tls)]
  throw errors.BadUrl()
}

function serverUrl(text: string): URL {
  // WHATWG parsing of a scheme it does not know keeps a host only after two slashes. An @ after the host means that a
  // password holds a slash, ? or # and was cut in two.
  const url = URL.parse(text)
  const isCut = url !== null && /@/.test(url.pathname + url.search + url.hash)
  if (!url?.hostname || url.pathname.length < 2 || isCut) throw errors.BadUrl()
  // Other programs take TLS settings here; ignoring them would connect without TLS.
  if (url.search !== '') throw errors.UrlParameters()
  return url
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const remedy = remedies.get((error as { code?: string }).code ?? '')
  return `${error instanceof Error ? error.message : String(error)}${remedy === undefined ? '' : ` (${remedy})`}`
}

async function withinSeconds(seconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
