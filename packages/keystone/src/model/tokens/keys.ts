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

/** Keys in force, oldest first. The newest key that is not retired signs. */
export interface KeyRing {
  keys: SigningKey[]
  signing: SigningKey
}

/**
 * Returns the stored keys, oldest first; creates the first key if needed. Wraps a key that an earlier version stored
 * unwrapped, and makes a new key sign, because copies of the database may contain the old one.
 */
export async function prepareKeys(database: Database, secret: string): Promise<StoredKey[]> {
  const rows = await listSigningKeys(database.query)
  const plain = rows.filter((row) => !isWrapped(row.pem))
  if (plain.length === 0 && rows.some((row) => row.retiredAt === null)) return rows
  await database.transaction(async (tx) => {
    let changed = (await listSigningKeys(tx)).every((row) => row.retiredAt !== null)
    for (const row of plain) changed = (await replacePem(tx, row, wrapPem(row.id, row.pem, secret))) || changed
    // If nothing changed, another process was faster.
    if (changed) await replaceKeys(tx, secret)
  })
  return listSigningKeys(database.query)
}

/** Unwraps the keys. Throws SigningKeysUnreadable (500) for a key that was wrapped by another secret. */
export function readKeyRing(rows: StoredKey[], secret: string): KeyRing {
  const keys = rows.map((row) => readSigningKey(row.id, unwrapPem(row, secret)))
  const active = rows.findLastIndex((row) => row.retiredAt === null)
  return { keys, signing: keys[active]! }
}

export interface Rotation {
  /** Id of the key that signs from now on. */
  keyId: string
  /** Ids of the replaced keys. Without `now` they verify until their tokens have expired. */
  replaced: string[]
}

/**
 * Makes a new key sign. Older keys verify until the tokens that they signed have expired; with `now` they are removed,
 * which invalidates every token. Running services read the new keys within seconds.
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

/** Removes each retired key when all tokens that it signed have become invalid. */
export async function removeEndedKeys(query: Query): Promise<void> {
  for (const row of await listSigningKeys(query)) {
    const end = row.retiredAt === null ? Number.POSITIVE_INFINITY : row.retiredAt + believedMs(row)
    if (end < Date.now()) await removeSigningKey(query, row.id)
  }
}

/** Milliseconds after its issue for which a token of this key may be accepted. */
export const believedMs = (row: StoredKey): number => row.tokenSeconds * 1000 + expiredWindowMs

async function replaceKeys(query: Query, secret: string): Promise<string> {
  const newest = (await listSigningKeys(query)).at(-1)
  await retireSigningKey(query, Date.now())
  const id = hexId().slice(0, 8)
  // Keys are ordered by age. A clock that was set back must not make the new key the older one.
  const createdAt = Math.max(Date.now(), (newest?.createdAt ?? 0) + 1)
  await insertSigningKey(query, { id, pem: wrapPem(id, newSigningKeyPem(), secret), createdAt })
  return id
}

const wrappedPrefix = 'wrapped:'

const isWrapped = (text: string): boolean => text.startsWith(wrappedPrefix)

const wrappingKey = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'hearth token signing keys', 32))

/**
 * Encrypts with AES-256-GCM under a key derived from the secret. Authenticates the id, so that rows cannot be
 * exchanged.
 */
function wrapPem(id: string, pem: string, secret: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', wrappingKey(secret), nonce).setAAD(Buffer.from(id))
  const text = Buffer.concat([cipher.update(pem, 'utf8'), cipher.final()])
  return wrappedPrefix + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
}

function unwrapPem(row: StoredKey, secret: string): string {
  const bytes = Buffer.from(row.pem.slice(wrappedPrefix.length), 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrappingKey(secret), bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(row.id)).setAuthTag(bytes.subarray(12, 28))
    return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw errors.SigningKeysUnreadable({ id: row.id }, cause)
  }
}
