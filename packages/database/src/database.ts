import type { Knex } from 'knex'

/** The pool or an open transaction; stores take it as their first argument. */
export type Query = Knex | Knex.Transaction
/** An open transaction. */
export type Transaction = Knex.Transaction
export type Engine = 'sqlite' | 'mysql' | 'postgres'

export interface Database {
  readonly query: Knex
  readonly engine: Engine
  /**
   * Runs `work` in a write transaction: BEGIN IMMEDIATE on SQLite, READ COMMITTED elsewhere; retried on deadlock and on
   * a busy database, so `work` must have no effect outside of the database. Inside, use only the `tx` it is given: on
   * SQLite there is one connection, so a query on the pool inside a transaction would wait for itself.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}
