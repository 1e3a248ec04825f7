import { createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { createTable, type Database, type Migration, migrate, type Transaction } from '@hearth/database'
import type { SecretName, Secrets } from './secrets.ts'

/** Fingerprints of the secrets that were given to the users last, beside the data they protect. */
const table = 'hearth_secret_prints'

const migrations: Migration[] = [
  {
    name: '0001-secret-prints',
    up: (tx) =>
      createTable(tx, table, (columns) => {
        columns.string('name', 64).notNullable().primary()
        columns.string('print', 255).notNullable()
      }),
  },
]

/** Names of those secrets that differ from their fingerprint in the database, and whether it has any. */
export async function compareSecrets(
  database: Database,
  secrets: Partial<Secrets>,
): Promise<{ known: boolean; differing: SecretName[] }> {
  await migrate(database, 'hearth', migrations)
  const rows: { name: SecretName; print: string }[] = await database.query(table).select('name', 'print')
  const differs = ({ name, print }: { name: SecretName; print: string }): boolean =>
    secrets[name] !== undefined && !fits(secrets[name], print)
  return { known: rows.length > 0, differing: rows.filter(differs).map(({ name }) => name) }
}

/** Keeps the fingerprints of these secrets in place of earlier ones. compareSecrets has made the table. */
export async function keepPrints(database: Database, secrets: Partial<Secrets>): Promise<void> {
  const rows = Object.entries(secrets).map(([name, secret]) => ({ name, print: printOf(secret) }))
  await database.transaction(async (tx: Transaction) => {
    for (const row of rows) {
      const changed = await tx(table).where({ name: row.name }).update(row)
      if (changed === 0) await tx(table).insert(row)
    }
  })
}

const drawn = /^[\w-]{32,}$/
const costs = { N: 2 ** 14, r: 8, p: 1 }

/**
 * Returns `sha256$salt$key` of a random secret, which cannot be guessed, or `scrypt$salt$key` of one that a person
 * chose.
 */
function printOf(secret: string, salt = randomBytes(16)): string {
  const isDrawn = drawn.test(secret)
  const key = isDrawn ? createHash('sha256').update(salt).update(secret).digest() : scryptSync(secret, salt, 32, costs)
  return [isDrawn ? 'sha256' : 'scrypt', salt.toString('base64url'), key.toString('base64url')].join('$')
}

function fits(secret: string, print: string): boolean {
  const salt = Buffer.from(print.split('$')[1] ?? '', 'base64url')
  const [own, kept] = [Buffer.from(printOf(secret, salt)), Buffer.from(print)]
  return own.length === kept.length && timingSafeEqual(own, kept)
}
