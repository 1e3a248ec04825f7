import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

const settings: ScryptOptions & { N: number; r: number; p: number } = { N: 2 ** 14, r: 8, p: 1 }
const keyLength = 32

/** `scrypt$N$r$p$salt$key`, the last two in URL-safe base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, settings)
  return ['scrypt', settings.N, settings.r, settings.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/** Takes the same time when there is nothing to compare with, so that answers do not tell which users exist. */
export async function checkPassword(password: string, hash: string | null): Promise<boolean> {
  const [kind, n, r, p, salt, key] = (hash ?? decoy).split('$') as [string, string, string, string, string, string]
  if (kind !== 'scrypt') return false
  const wanted = Buffer.from(key, 'base64url')
  const given = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(n), r: Number(r), p: Number(p) })
  return timingSafeEqual(given, wanted) && hash !== null
}

const decoy = [
  'scrypt',
  settings.N,
  settings.r,
  settings.p,
  randomBytes(16).toString('base64url'),
  randomBytes(keyLength).toString('base64url'),
].join('$')

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyLength, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
