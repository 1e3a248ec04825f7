const pattern = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?$/

/**
 * Parses an ISO 8601 time, UTC when it names no zone. Returns microseconds since the epoch, or null when it is not a
 * time.
 */
export function parseTime(text: string): number | null {
  const match = pattern.exec(text)
  if (!match) return null
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = 'Z'] = match
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`
  const seconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`)
  if (Number.isNaN(seconds)) return null
  return seconds * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}

/** Formats microseconds since the epoch as `YYYY-MM-DDTHH:MM:SS.ffffff`, in UTC, without a zone. */
export function writeMicros(micros: number): string {
  const milliseconds = Math.floor(micros / 1000)
  return new Date(milliseconds).toISOString().slice(0, 23) + String(micros - milliseconds * 1000).padStart(3, '0')
}

/** Formats milliseconds since the epoch as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, as tokens and trusts show time. */
export const writeTime = (milliseconds: number): string => `${writeMicros(milliseconds * 1000)}Z`
