import { type Clock, HearthError } from '@hearth/core'

export interface ThrottleSettings {
  /** Failures of one user in the period before further log-ins are refused; 0 is no limit. */
  userFailures: number
  /** Failures from one client address in the period before further log-ins are refused; 0 is no limit. */
  addressFailures: number
  /** Length of the period in seconds. */
  seconds: number
}

export const defaultThrottle: ThrottleSettings = { userFailures: 10, addressFailures: 100, seconds: 60 }

/** User and client address of a log-in attempt. */
export interface Attempt {
  /** User id, or a hash of name and domain for an unknown user; both are counted alike. */
  subject: string
  address: string
}

export interface Throttle {
  /** Throws TooManyAttempts (429) with Retry-After when the limit is reached. */
  admit(attempt: Attempt): void
  /** Counts a failed log-in. */
  failed(attempt: Attempt): void
  /** Records a successful log-in from the address. */
  succeeded(attempt: Attempt): void
}

type Bucket = [key: string, size: number]

/** Returns the buckets that have a limit; a size of 0 is no limit. */
const limited = (buckets: Bucket[]): Bucket[] => buckets.filter(([, size]) => size > 0)

/** Most entries in each table; the oldest are removed first. */
const mostEntries = 50_000
const rememberMs = 24 * 3600 * 1000

/**
 * Limits failed log-ins of a user and of an address, in memory, by buckets that refill evenly. Guesses from other
 * addresses must not block a user: the user's limit applies only to addresses from which the user has failed too, and
 * an address from which the user logged in during the last day has a bucket of its own for that user.
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

/** Returns an IPv4 address as it is, or the first 64 bits of an IPv6 address, because one customer has all of them. */
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
