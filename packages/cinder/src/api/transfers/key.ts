import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** A new key of 16 hex digits, as upstream's `volume_transfer_key_length`. */
export const newKey = (): string => randomBytes(8).toString('hex')
/** Returns a random salt of 8 hexadecimal digits. */
export const newSalt = (): string => randomBytes(4).toString('hex')

/** Returns the stored form of a key: HMAC-SHA1 with the salt (cinder/transfer/api.py). */
export function hashKey(salt: string, key: string): string {
  return createHmac('sha1', salt).update(key).digest('hex')
}

/** Returns true if the key is that of the transfer. */
export function isKey(row: { salt: string; key_hash: string }, key: string): boolean {
  const given = Buffer.from(hashKey(row.salt, key))
  const kept = Buffer.from(row.key_hash)
  return given.length === kept.length && timingSafeEqual(given, kept)
}
