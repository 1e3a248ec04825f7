import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { HearthError } from '@hearth/core'
import { openFairQueue } from './login/fair-queue.ts'

/**
 * Cost: 8 MiB and about 30 ms. N=2^14, p=1 does the same work with twice the memory, which the allocator keeps for each
 * thread.
 */
const settings = { N: 2 ** 13, r: 8, p: 2 }
const keyLength = 32

/** Context of a key derivation, which may wait in a queue. */
interface Derivation {
  /** Client address; the addresses take turns. */
  address?: string
  /** Called when the derivation's turn comes; may throw. */
  admit?(): void
}

/**
 * Returns `scrypt$N$r$p$salt$key`, the last two in URL-safe base64. Throws TooManyDerivations (503) when too many
 * derivations wait, as checkPassword does.
 */
export async function hashPassword(password: string, derivation: Derivation = {}): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, settings, derivation)
  return ['scrypt', settings.N, settings.r, settings.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/**
 * Returns `sha256$salt$key`, for random secrets of a machine: they cannot be guessed, so checking them may be fast.
 * Returns null for a secret that does not look like 192 random bits.
 */
export function hashDrawnSecret(secret: string): string | null {
  if (!/^[\w-]{32,}$/.test(secret)) return null
  const salt = randomBytes(16)
  return ['sha256', salt.toString('base64url'), digest(secret, salt).toString('base64url')].join('$')
}

/** Returns true for the hash of a random secret of a machine. */
export const isDrawnSecret = (hash: string | null): boolean => hash?.startsWith('sha256$') ?? false

const digest = (secret: string, salt: Buffer): Buffer => createHash('sha256').update(salt).update(secret).digest()

/**
 * Returns true when the password matches the hash. Takes the same time without a hash, so that the time does not reveal
 * which users exist. Throws TooManyDerivations (503).
 */
export async function checkPassword(
  password: string,
  hash: string | null,
  derivation: Derivation = {},
): Promise<boolean> {
  const [kind, ...parts] = (hash ?? decoy).split('$')
  if (kind === 'sha256') {
    derivation.admit?.()
    const [salt, key] = parts.map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
    return timingSafeEqual(digest(password, salt), key)
  }
  if (kind !== 'scrypt') return false
  const [N, r, p] = parts.slice(0, 3).map(Number)
  const [salt, key] = parts.slice(3).map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
  return timingSafeEqual(await derive(password, salt, { N, r, p }, derivation), key) && hash !== null
}

const decoy = [
  'scrypt',
  settings.N,
  settings.r,
  settings.p,
  randomBytes(16).toString('base64url'),
  randomBytes(keyLength).toString('base64url'),
].join('$')

/** Retry-After of a refused derivation, in seconds: the wait of the last in the queue when all before it are slow. */
const retrySeconds = 5

/**
 * Bounds the derivations, which take 8 MiB and one of the few threads that also serve files. More than two threads can
 * do in a few seconds are refused.
 */
const queue = openFairQueue({
  atOnce: 2,
  waiting: 64,
  refuse: () =>
    new HearthError({
      code: 'TooManyDerivations',
      status: 503,
      message: `Too many log-ins are waiting. Try again in ${retrySeconds} seconds.`,
      params: { reason: 'queue full' },
      headers: { 'retry-after': String(retrySeconds) },
    }),
})

function derive(password: string, salt: Buffer, options: ScryptOptions, derivation: Derivation): Promise<Buffer> {
  return queue.run(derivation.address ?? '', () => {
    derivation.admit?.()
    return deriveNow(password, salt, options)
  })
}

function deriveNow(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyLength, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
