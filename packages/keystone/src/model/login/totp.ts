import { createHmac, timingSafeEqual } from 'node:crypto'

const stepSeconds = 30
const digits = 6
/** Earlier steps that are accepted too; Keystone's `[totp] included_previous_windows`. */
const previousSteps = 1

/** Returns the accepted time step (RFC 6238 section 4.2) whose one-time password is `passcode`, or null. */
export function matchingStep(secret: string, passcode: string, now: Date): number | null {
  const key = readBase32(secret)
  if (!key || key.length === 0) return null
  const current = Math.floor(now.getTime() / 1000 / stepSeconds)
  let found: number | null = null
  for (let step = Math.max(0, current - previousSteps); step <= current; step++)
    if (isEqual(oneTimePassword(key, step), passcode)) found = step
  return found
}

/** Returns the HOTP of a time step with SHA-1: six digits, truncated as in RFC 4226 section 5.3. */
export function oneTimePassword(key: Buffer, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const digest = createHmac('sha1', key).update(counter).digest()
  const offset = digest.at(-1)! & 0xf
  const number = (digest.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits
  return String(number).padStart(digits, '0')
}

function isEqual(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * Decodes base32 (RFC 4648 section 6), with or without padding. Returns null for other text and above 1024 characters.
 */
export function readBase32(text: string): Buffer | null {
  const letters = text.trim().toUpperCase().replace(/=+$/, '')
  if (letters.length > 1024) return null
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const letter of letters) {
    const number = alphabet.indexOf(letter)
    if (number === -1) return null
    value = ((value << 5) | number) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 0xff)
  }
  return Buffer.from(bytes)
}
