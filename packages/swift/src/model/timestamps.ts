/** Swift's normal form: seconds since the epoch, ten digits, a point and five decimals, so that text sorts by time. */
type Timestamp = string

/** Gives out the time, later at each call: two writes never share a timestamp. */
export interface TimestampSource {
  next(): Timestamp
  /** The time now, not reserved for a write. */
  now(): Timestamp
}

/**
 * Timestamps by `clock` (milliseconds), always later than `floor()` and than earlier ones: after a clock is set back, a
 * write must not be older than the version that it replaces.
 */
export function openTimestamps(
  clock: () => number = Date.now,
  floor: () => Timestamp = () => '0000000000.00000',
): TimestampSource {
  let last = 0
  return {
    next() {
      // Counted in units of 10 µs, the last decimal.
      last = Math.max(last + 1, Math.floor(clock() * 100), unitsOf(floor()) + 1)
      return format(last)
    },
    now: () => format(Math.floor(clock() * 100)),
  }
}

const unitsOf = (timestamp: Timestamp): number => Number(timestamp.slice(0, 16).replace('.', ''))

function format(units: number): Timestamp {
  const text = String(units).padStart(15, '0')
  return `${text.slice(0, -5)}.${text.slice(-5)}`
}

/** Returns the seconds since the epoch of a timestamp. */
export const secondsOf = (timestamp: Timestamp): number => Number(timestamp.slice(0, 16))

/** Returns the timestamp of a time in seconds since the epoch. */
export const timestampOf = (seconds: number): Timestamp => format(Math.round(seconds * 100_000))

/** `Wed, 21 Oct 2015 07:28:00 GMT`, rounded up to the second as Swift's Last-Modified is. */
export const httpDate = (timestamp: Timestamp): string => new Date(Math.ceil(secondsOf(timestamp)) * 1000).toUTCString()

/** `YYYY-MM-DDTHH:MM:SS.ffffff`, as listings show times. */
export function listingDate(timestamp: Timestamp): string {
  const [seconds = '0', fraction = '0'] = timestamp.slice(0, 16).split('.')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}`
}
