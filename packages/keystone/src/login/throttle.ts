import { type Clock, HearthError } from '@hearth/core'

export interface ThrottleSettings {
  /** Failures of one user name in the period before more are refused; 0 is no limit. */
  userFailures: number
  /** The same of one client address. */
  addressFailures: number
  /** Length of the period, seconds. */
  seconds: number
}

export const defaultThrottle: ThrottleSettings = { userFailures: 10, addressFailures: 100, seconds: 60 }

/** Who is tried and from where. */
export interface Attempt {
  /** User id, or name and domain where no such user exists: both are treated alike. */
  subject: string
  address: string
}

export interface Throttle {
  /** Throws TooManyAttempts (429) with Retry-After while the limit is reached. */
  admit(attempt: Attempt): void
  failed(attempt: Attempt): void
  succeeded(attempt: Attempt): void
}

type Bucket = [key: string, size: number]

/** A size of 0 is no limit. */
const limited = (buckets: Bucket[]): Bucket[] => buckets.filter(([, size]) => size > 0)

/** Entries kept at most in each table; the oldest go first. */
const mostEntries = 50_000
const rememberMs = 24 * 3600 * 1000

/**
 * Limits failed log-ins in memory, of a user and of an address, by buckets that refill evenly. So that a stranger's guesses
 * do not keep the user out, the user's limit holds only for addresses from which the user's log-in has failed as well, and an
 * address from which the user has logged in during the last day has a bucket of its own.
 */
export function openThrottle(settings: ThrottleSettings, clock: Clock): Throttle {
  const periodMs = settings.seconds * 1000
  const buckets = new Map<string, { used: number; at: number }>()
  const known = new Map<string, number>()
  const now = (): number => clock.now().getTime()

  const usedOf = (key: string, size: number): number => {
    const bucket = buckets.get(key)
    return bucket ? Math.max(0, bucket.used - (Math.max(0, now() - bucket.at) / periodMs) * size) : 0
  }
  const pairOf = (attempt: Attempt): string => `${attempt.subject} ${network(attempt.address)}`
  const isKnown = (pair: string): boolean => now() - (known.get(pair) ?? Number.NEGATIVE_INFINITY) < rememberMs
  const keysOf = (attempt: Attempt): { pair: Bucket; user: Bucket; address: Bucket } => ({
    pair: [`pair ${pairOf(attempt)}`, settings.userFailures],
    user: [`user ${attempt.subject}`, settings.userFailures],
    address: [`address ${network(attempt.address)}`, settings.addressFailures],
  })
  const limitsOf = (attempt: Attempt): Bucket[] => {
    const { pair, user, address } = keysOf(attempt)
    if (isKnown(pairOf(attempt))) return limited([pair])
    return limited(usedOf(...pair) > 0 ? [user, address] : [address])
  }
  return {
    admit(attempt) {
      for (const [key, size] of limitsOf(attempt)) {
        const over = usedOf(key, size) + 1 - size
        if (over > 0) throw tooMany(Math.ceil(((over / size) * periodMs) / 1000))
      }
    },
    failed(attempt) {
      const { pair, user, address } = keysOf(attempt)
      for (const [key, size] of limited(isKnown(pairOf(attempt)) ? [pair] : [pair, user, address]))
        remember(buckets, key, { used: Math.min(size, usedOf(key, size) + 1), at: now() })
    },
    succeeded(attempt) {
      remember(known, pairOf(attempt), now())
    },
  }
}

function remember<T>(table: Map<string, T>, key: string, value: T): void {
  table.delete(key)
  if (table.size >= mostEntries) table.delete(table.keys().next().value!)
  table.set(key, value)
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: one customer has all of them. */
export function network(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = !tail ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  const groups = [...left, ...zeros, ...right].slice(0, 4)
  return `${groups.map((group) => (Number.parseInt(group, 16) || 0).toString(16)).join(':')}::/64`
}

const tooMany = (seconds: number): HearthError =>
  new HearthError({
    code: 'TooManyAttempts',
    status: 429,
    message: `Too many log-ins have failed. Try again in ${seconds} seconds.`,
    params: { reason: 'throttled' },
    headers: { 'retry-after': String(seconds) },
  })
