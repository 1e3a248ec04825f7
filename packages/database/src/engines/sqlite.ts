import { AsyncLocalStorage } from 'node:async_hooks'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { isDiskFull } from '@hearth/core'
import type { Knex } from 'knex'
import { isContention } from '../failures.ts'
import { ballastOf } from './ballast.ts'

/** Types of the parts of better-sqlite3 and of knex's client that are used here; neither publishes them. */
interface Statement {
  reader: boolean
  all(bindings: unknown[]): unknown[]
  run(bindings: unknown[]): { lastInsertRowid: number | bigint; changes: number }
}
interface Connection {
  inTransaction: boolean
  exec(sql: string): void
  pragma(text: string): unknown
  prepare(sql: string): Statement
}
interface DialectTransaction {
  trxClient: { query(connection: Connection, sql: string): Promise<unknown> }
  begin(connection: Connection): Promise<unknown>
}
interface Dialect {
  /** True for the client of a transaction. */
  transacting?: boolean
  connectionSettings: { filename: string }
  transaction(...args: unknown[]): DialectTransaction
  acquireConnection(): Promise<Connection>
  _query(connection: Connection, query: SqlQuery): Promise<SqlQuery>
  _formatBindings(bindings: unknown[] | undefined): unknown[]
}
interface SqlQuery {
  sql: string
  bindings?: unknown[]
  response?: unknown
  context?: { lastID: number | bigint; changes: number }
}

const dialect = createRequire(import.meta.url)('knex/lib/dialects/better-sqlite3') as new (config: unknown) => Dialect

const definition = /^\s*(create|alter|drop|pragma|attach|detach|vacuum|reindex)\b/i
const mostStatements = 500
const busyTimeout = 10
const longestWait = 15_000
const statements = new WeakMap<Connection, Map<string, Statement>>()
const inside = new AsyncLocalStorage<{ open: boolean }>()

/** Milliseconds of queued transactions after which the event loop serves other work of the process. */
const longestTurn = 8
let lastTurn = 0

/**
 * Knex's client for better-sqlite3, with three differences: transactions begin IMMEDIATE (knex's are deferred, and a
 * deferred one that turns into a writer may fail at once with SQLITE_BUSY), statements are compiled once, and asking
 * the pool inside a transaction is an error instead of a wait that never ends.
 */
class ImmediateClient extends dialect {
  override transaction(...args: unknown[]): DialectTransaction {
    const transaction = super.transaction(...args)
    transaction.begin = async (connection) => {
      // A COMMIT that failed, on a full disk for one, leaves its transaction open.
      if (connection.inTransaction) connection.exec('ROLLBACK')
      // Queries return synchronously, so queued transactions would all run before any socket or timer is served.
      if (performance.now() - lastTurn > longestTurn) {
        await nextTurn()
        lastTurn = performance.now()
      }
      return transaction.trxClient.query(connection, 'BEGIN IMMEDIATE;')
    }
    return transaction
  }

  override async acquireConnection(): Promise<Connection> {
    if (inside.getStore()?.open) throw new Error('the database was asked inside a transaction: pass tx on instead')
    return super.acquireConnection()
  }

  override async _query(connection: Connection, query: SqlQuery): Promise<SqlQuery> {
    if (!query.sql) throw new Error('The query is empty')
    const bindings = this._formatBindings(query.bindings)
    if (connection.inTransaction) return execute(connection, query, bindings)
    if (this.transacting && !query.sql.startsWith('BEGIN')) return afterRollback(query)
    return whileBusy(() => whileFull(this.connectionSettings.filename, () => execute(connection, query, bindings)))
  }
}

/** Runs the work; on a full disk frees the ballast and tries once more. */
function whileFull<T>(filename: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isDiskFull(error) || !relieve(filename)) throw error
    return work()
  }
}

/** Frees the ballast of a database file after its disk was full. Returns false when none is left. */
export function relieve(filename: string): boolean {
  return filename !== ':memory:' && ballastOf(filename).release()
}

/** SQLite rolls a transaction back on a full disk; later statements must not commit alone or hide the reason. */
function afterRollback(query: SqlQuery): SqlQuery {
  if (!query.sql.startsWith('ROLLBACK')) throw new Error('the database has rolled this transaction back')
  query.response = []
  return query
}

function execute(connection: Connection, query: SqlQuery, bindings: unknown[]): SqlQuery {
  const statement = compiled(connection, query.sql)
  if (statement.reader) {
    query.response = statement.all(bindings)
    return query
  }
  const result = statement.run(bindings)
  query.response = result
  query.context = { lastID: result.lastInsertRowid, changes: result.changes }
  return query
}

/**
 * Tries again while another connection writes, at most 15 s. SQLite's own waiting stops the whole process, and with it
 * a writer in this process; so it is kept short and the rest is done here.
 */
async function whileBusy<T>(work: () => T): Promise<T> {
  const end = performance.now() + longestWait
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return work()
    } catch (error) {
      if (!isContention(error) || performance.now() > end) throw error
      await sleep(pause * (0.5 + Math.random()))
    }
  }
}

function compiled(connection: Connection, sql: string): Statement {
  let cache = statements.get(connection)
  if (!cache || definition.test(sql)) {
    cache = new Map()
    statements.set(connection, cache)
  }
  let statement = cache.get(sql)
  if (!statement) {
    statement = connection.prepare(sql)
    if (cache.size >= mostStatements) cache.clear()
    cache.set(sql, statement)
  }
  return statement
}

/** Runs `work` so that asking the pool within it fails at once. */
export async function insideTransaction<T>(work: () => Promise<T>): Promise<T> {
  const state = { open: true }
  try {
    return await inside.run(state, work)
  } finally {
    state.open = false
  }
}

/** Knex settings for a file, or for `:memory:`. Creates the file (mode 0600, it may hold secrets) and its folder. */
export function sqliteConfig(filename: string): Knex.Config {
  if (filename !== ':memory:') {
    mkdirSync(dirname(filename), { recursive: true })
    closeSync(openSync(filename, 'a', 0o600))
    ballastOf(filename)
  }
  return {
    client: ImmediateClient as unknown as typeof Knex.Client,
    connection: { filename },
    useNullAsDefault: true,
    // One connection: write transactions queue in this process instead of fighting for the file.
    pool: { min: 1, max: 1, afterCreate: prepareConnection },
  }
}

function prepareConnection(connection: Connection, done: (error: unknown, connection: Connection) => void): void {
  const prepare = (): void => {
    connection.pragma(`busy_timeout = ${busyTimeout}`)
    connection.pragma('journal_mode = WAL')
    connection.pragma('synchronous = FULL')
    connection.pragma('foreign_keys = ON')
    // As in the other engines, where LIKE is case-sensitive.
    connection.pragma('case_sensitive_like = ON')
  }
  whileBusy(prepare).then(
    () => done(null, connection),
    (error: unknown) => done(error, connection),
  )
}
