import { createRequire } from 'node:module'

interface Statement {
  run(...values: unknown[]): { changes: number; lastInsertRowid: number | bigint }
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
  iterate(...values: unknown[]): IterableIterator<unknown>
}

interface Connection {
  prepare(sql: string): Statement
  pragma(text: string): unknown
  exec(sql: string): void
  close(): void
  readonly inTransaction: boolean
}

type Constructor = new (path: string, options?: { readonly?: boolean; fileMustExist?: boolean }) => Connection

/** A SQLite connection that prepares each text once. */
export interface Sqlite {
  /** The prepared statement of this text. */
  sql(text: string): Statement
  exec(text: string): void
  pragma(text: string): unknown
  inTransaction(): boolean
  close(): void
}

/** Opens a database file; the library is loaded by `require` because it has no types of its own. */
export function openSqlite(path: string, options: { readonly?: boolean } = {}): Sqlite {
  const Database = createRequire(import.meta.url)('better-sqlite3') as Constructor
  const connection = new Database(path, { readonly: options.readonly ?? false })
  const prepared = new Map<string, Statement>()
  return {
    sql(text) {
      let statement = prepared.get(text)
      if (!statement) {
        statement = connection.prepare(text)
        prepared.set(text, statement)
      }
      return statement
    },
    exec: (text) => connection.exec(text),
    pragma: (text) => connection.pragma(text),
    inTransaction: () => connection.inTransaction,
    close: () => connection.close(),
  }
}
