import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { HearthError } from '@hearth/core'
import { openFairQueue } from './login/fair-queue.ts'

/** 8 MiB and about 30 ms; half the memory of N=2^14, p=1 for the same work, which the allocator keeps for each thread. */
const settings = { N: 2 ** 13, r: 8, p: 2 }
const keyLength = 32

/** For derivation a password is derived, which may have to wait. */
export interface Derivation {
  /** Client address: the addresses take turns. */
  address?: string
  /** Called when it is the password's turn; may throw. */
  admit?(): void
}

/**
 * `scrypt$N$r$p$salt$key`, the last two in URL-safe base64. Throws TooManyDerivations (503) when too many wait, as
 * checkPassword does.
 */
export async function hashPassword(password: string, derivation: Derivation = {}): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, settings, derivation)
  return ['scrypt', settings.N, settings.r, settings.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/**
 * `sha256$salt$key`, for secrets that a machine has drawn: there is nothing to guess, so checking may be fast. Null for
 * one that does not look like 192 random bits.
 */
export function hashDrawnSecret(secret: string): string | null {
  if (!/^[\w-]{32,}$/.test(secret)) return null
  const salt = randomBytes(16)
  return ['sha256', salt.toString('base64url'), digest(secret, salt).toString('base64url')].join('$')
}

/** Whether a hash is of a secret that a machine has drawn. */
export const isDrawnSecret = (hash: string | null): boolean => hash?.startsWith('sha256$') ?? false

const digest = (secret: string, salt: Buffer): Buffer => createHash('sha256').update(salt).update(secret).digest()

/** Takes the same time when there is nothing to compare with, so that answers do not tell which users exist. */
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

/** Of one that waits when all before it are slow. */
const retrySeconds = 5

/**
 * A derivation takes 8 MiB and one of the few threads that also serve files, so a crowd logging in waits here and not
 * there; beyond what two threads do in a few seconds it is refused.
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
