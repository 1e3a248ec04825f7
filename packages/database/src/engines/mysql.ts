import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import type { ServerTls } from '@hearth/core'
import type { Knex } from 'knex'
import mysql from 'mysql2'

interface Dialect {
  _query(connection: unknown, query: unknown): Promise<unknown>
}

const dialect = createRequire(import.meta.url)('knex/lib/dialects/mysql2') as new (config: unknown) => Dialect

/**
 * Knex's client for mysql2, whose errors do not contain the values of the statement. Withholds `collate` from mysql2,
 * which would warn about it: it is for knex's CREATE TABLE.
 */
class BinaryClient extends dialect {
  _driver(): object {
    return {
      createConnection(options: mysql.ConnectionOptions & { collate?: string }) {
        const { collate: _, ...settings } = options
        // Named apart, because knex hides it from enumeration.
        return mysql.createConnection({ ...settings, password: options.password })
      },
    }
  }

  override async _query(connection: unknown, query: unknown): Promise<unknown> {
    try {
      return await super._query(connection, query)
    } catch (error) {
      const told = error as Error & { sql?: string; sqlMessage?: string }
      delete told.sql
      delete told.sqlMessage
      told.message = withoutValue(told.message)
      if (told.stack) told.stack = withoutValue(told.stack)
      throw error
    }
  }
}

const withoutValue = (text: string): string => text.replace(/Duplicate entry '.*' for key/s, 'Duplicate entry for key')

/** Knex settings for MariaDB or MySQL: tables are made with utf8mb4_bin, numbers come back as numbers. */
export function mysqlConfig(url: URL, poolSize: number, tls?: ServerTls): Knex.Config {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // mysql2 would compare the certificate with "localhost" instead of an address.
  if (tls && isIP(host) !== 0)
    throw new Error(`databaseTls needs the name of the server in the database URL, not its address ${host}`)
  return {
    client: BinaryClient as unknown as typeof Knex.Client,
    connection: {
      host,
      port: Number(url.port || 3306),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      charset: 'utf8mb4',
      collate: 'utf8mb4_bin',
      decimalNumbers: true,
      connectTimeout: 10_000,
      ...(tls && { ssl: { ca: tls.authority, rejectUnauthorized: true, verifyIdentity: true, minVersion: 'TLSv1.2' } }),
    } as Knex.MySql2ConnectionConfig,
    pool: { min: 0, max: poolSize, afterCreate: prepareConnection },
  }
}

function prepareConnection(connection: mysql.Connection, done: (error: unknown, connection: unknown) => void): void {
  connection.query('set names utf8mb4 collate utf8mb4_bin', (error) => {
    if (error) return done(error, connection)
    connection.query('set session transaction isolation level read committed', (failure) => done(failure, connection))
  })
}
