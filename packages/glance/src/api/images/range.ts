import { glanceErrors } from '../../model/errors.ts'

/** Bytes `[offset, offset + length)`. */
export interface Range {
  offset: number
  length: number
}

/**
 * A Range header against an image of `size` bytes; null without one. One range only: several are BadRequest (400); bad
 * syntax or a start past the end RangeNotSatisfiable (416).
 */
export function parseRange(header: string | undefined, size: number): Range | null {
  if (header === undefined) return null
  if (header.includes(','))
    throw glanceErrors.BadRequest({ reason: 'Requests with multiple ranges are not supported.' })
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim())
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') throw glanceErrors.RangeNotSatisfiable({ range: header })
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start >= size || end < start) throw glanceErrors.RangeNotSatisfiable({ range: header })
  return { offset: start, length: end - start + 1 }
}
