import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { expiredWindowMs, newSigningKeyPem, readSigningKey, type SigningKey } from '@hearth/auth'
import { hexId } from '@hearth/core'
import type { Database, Query } from '@hearth/database'
import { errors } from '../errors.ts'
import {
  insertSigningKey,
  listSigningKeys,
  removeSigningKey,
  replacePem,
  retireSigningKey,
  type StoredKey,
} from './store.ts'

/** The keys in force, oldest first; the newest that is not retired signs. */
export interface KeyRing {
  keys: SigningKey[]
  signing: SigningKey
}

/**
 * Returns the stored keys, oldest first, after making the first one. A key that an earlier version stored in plain is
 * wrapped, and a new one signs from then on: copies of the database may hold the old one.
 */
export async function prepareKeys(database: Database, secret: string): Promise<StoredKey[]> {
  const rows = await listSigningKeys(database.query)
  const plain = rows.filter((row) => !isWrapped(row.pem))
  if (plain.length === 0 && rows.some((row) => row.retiredAt === null)) return rows
  await database.transaction(async (tx) => {
    let changed = (await listSigningKeys(tx)).every((row) => row.retiredAt !== null)
    for (const row of plain) changed = (await replacePem(tx, row, wrapPem(row.id, row.pem, secret))) || changed
    // Else another process was faster.
    if (changed) await replaceKeys(tx, secret)
  })
  return listSigningKeys(database.query)
}

/** Throws SigningKeysUnreadable for keys wrapped by another secret. */
export function readKeyRing(rows: StoredKey[], secret: string): KeyRing {
  const keys = rows.map((row) => readSigningKey(row.id, unwrapPem(row, secret)))
  const active = rows.findLastIndex((row) => row.retiredAt === null)
  return { keys, signing: keys[active]! }
}

export interface Rotation {
  /** Id of the key that signs from now on. */
  keyId: string
  /** Ids of the keys whose tokens it ended, or that verify until their tokens have ended. */
  replaced: string[]
}

/**
 * Makes a new key sign. Older keys still verify until the tokens they signed have ended; with `now` they are removed, and
 * every token there is ends with them. Running services follow within seconds.
 */
export function rotateSigningKeys(database: Database, secret: string, now: boolean): Promise<Rotation> {
  return database.transaction(async (tx) => {
    const before = await listSigningKeys(tx)
    if (now) for (const row of before) await removeSigningKey(tx, row.id)
    const keyId = await replaceKeys(tx, secret)
    const replaced = before.filter((row) => now || row.retiredAt === null).map((row) => row.id)
    return { keyId, replaced }
  })
}

/** Removes retired keys when no token they signed can be believed any more. */
export async function removeEndedKeys(query: Query): Promise<void> {
  for (const row of await listSigningKeys(query)) {
    const end = row.retiredAt === null ? Number.POSITIVE_INFINITY : row.retiredAt + believedMs(row)
    if (end < Date.now()) await removeSigningKey(query, row.id)
  }
}

/** How long after its issue a token of this key may be believed, milliseconds. */
export const believedMs = (row: StoredKey): number => row.tokenSeconds * 1000 + expiredWindowMs

async function replaceKeys(query: Query, secret: string): Promise<string> {
  const newest = (await listSigningKeys(query)).at(-1)
  await retireSigningKey(query, Date.now())
  const id = hexId().slice(0, 8)
  // Ordered by age: a clock that was set back must not make the new key the older one.
  const createdAt = Math.max(Date.now(), (newest?.createdAt ?? 0) + 1)
  await insertSigningKey(query, { id, pem: wrapPem(id, newSigningKeyPem(), secret), createdAt })
  return id
}

const mark = 'wrapped:'

const isWrapped = (text: string): boolean => text.startsWith(mark)

const wrappingKey = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'hearth token signing keys', 32))

/** AES-256-GCM under a key made of the secret; the id is authenticated, so that rows cannot be exchanged. */
function wrapPem(id: string, pem: string, secret: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', wrappingKey(secret), nonce).setAAD(Buffer.from(id))
  const text = Buffer.concat([cipher.update(pem, 'utf8'), cipher.final()])
  return mark + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
}

function unwrapPem(row: StoredKey, secret: string): string {
  const bytes = Buffer.from(row.pem.slice(mark.length), 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrappingKey(secret), bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(row.id)).setAuthTag(bytes.subarray(12, 28))
    return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw errors.SigningKeysUnreadable({ id: row.id }, cause)
  }
}
