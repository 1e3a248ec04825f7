import { createHmac, timingSafeEqual } from 'node:crypto'

const byLength: Record<number, string> = { 40: 'sha1', 64: 'sha256', 128: 'sha512' }

/** Section of signatures in /info. */
export const digestCapability = { allowed_digests: ['sha1', 'sha256', 'sha512'], deprecated_digests: ['sha1'] }

/**
 * Returns true if one of the keys signed the text. A signature is hexadecimal, and its length selects the digest, or
 * `<digest>:<base64>`. Compares in constant time.
 */
export function isSigned(text: string, signature: string, keys: string[]): boolean {
  const parsed = parseSignature(signature)
  if (!parsed) return false
  const { digest, bytes } = parsed
  let found = false
  for (const key of keys) {
    const expected = createHmac(digest, key).update(text).digest()
    if (expected.length === bytes.length && timingSafeEqual(expected, bytes)) found = true
  }
  return found
}

function parseSignature(signature: string): { digest: string; bytes: Buffer } | null {
  const at = signature.indexOf(':')
  if (at > 0) {
    const digest = signature.slice(0, at)
    if (!Object.values(byLength).includes(digest)) return null
    return { digest, bytes: Buffer.from(signature.slice(at + 1), 'base64') }
  }
  const digest = byLength[signature.length]
  return digest && /^[0-9a-f]+$/i.test(signature) ? { digest, bytes: Buffer.from(signature, 'hex') } : null
}
