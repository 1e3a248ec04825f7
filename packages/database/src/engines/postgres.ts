import { createRequire } from 'node:module'
import type { ServerTls } from '@hearth/core'
import type { Knex } from 'knex'

type Parser = (text: string) => unknown

/** Types of the parts of pg that are used here; pg publishes none. */
const pg = createRequire(import.meta.url)('pg') as {
  types: { getTypeParser(oid: number, format?: string): Parser; builtins: Record<'INT8' | 'NUMERIC', number> }
}
const { INT8: bigint, NUMERIC: numeric } = pg.types.builtins

interface Dialect {
  _query(connection: unknown, query: unknown): Promise<unknown>
}

const dialect = createRequire(import.meta.url)('knex/lib/dialects/postgres') as new (config: unknown) => Dialect

/** Knex's client for pg, whose errors do not contain the values of the row that failed. */
class DiscreetClient extends dialect {
  override async _query(connection: unknown, query: unknown): Promise<unknown> {
    try {
      return await super._query(connection, query)
    } catch (error) {
      delete (error as { detail?: string }).detail
      throw error
    }
  }
}

/** Parsers of this connection only: BIGINT and NUMERIC (the type of SUM) as numbers, where pg returns strings. */
const types = {
  getTypeParser(oid: number, format?: string): Parser {
    if (oid === bigint || oid === numeric) return Number
    return pg.types.getTypeParser(oid, format)
  },
}

/** Knex settings for PostgreSQL; READ COMMITTED is its default. */
export function postgresConfig(url: URL, poolSize: number, tls?: ServerTls): Knex.Config {
  return {
    client: DiscreetClient as unknown as typeof Knex.Client,
    connection: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      connectionTimeoutMillis: 10_000,
      ...(tls && { ssl: { ca: tls.authority, rejectUnauthorized: true, minVersion: 'TLSv1.2' } }),
      types,
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: poolSize },
  }
}
