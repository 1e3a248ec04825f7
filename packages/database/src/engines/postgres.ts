import { createRequire } from 'node:module'
import type { Knex } from 'knex'

type Parser = (text: string) => unknown

/** What of pg is used here; it publishes no types. */
const pg = createRequire(import.meta.url)('pg') as {
  types: { getTypeParser(oid: number, format?: string): Parser; builtins: Record<'INT8' | 'NUMERIC', number> }
}
const { INT8: bigint, NUMERIC: numeric } = pg.types.builtins

/** Parsers of this connection only: BIGINT and NUMERIC (what SUM answers) as numbers, where pg gives strings. */
const types = {
  getTypeParser(oid: number, format?: string): Parser {
    if (oid === bigint || oid === numeric) return Number
    return pg.types.getTypeParser(oid, format)
  },
}

/** Knex settings for PostgreSQL; READ COMMITTED is its default. */
export function postgresConfig(url: URL, poolSize: number): Knex.Config {
  return {
    client: 'pg',
    connection: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      connectionTimeoutMillis: 10_000,
      types,
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: poolSize },
  }
}
