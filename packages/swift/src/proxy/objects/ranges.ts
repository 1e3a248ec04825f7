import { randomBytes } from 'node:crypto'
import type { Content, SwiftResponse } from '../../model/response.ts'
import { answer } from '../../model/response.ts'

type Span = readonly [start: number, end: number]

interface Wish {
  start: number | null
  end: number | null
}

/** Reads a Range header; null when it is malformed, and so to be ignored (RFC 9110, 14.2). */
function parseRange(header: string): Wish[] | null {
  const text = header.replaceAll(' ', '')
  if (!text.toLowerCase().startsWith('bytes=')) return null
  const wishes: Wish[] = []
  for (const item of text.slice(6).split(',')) {
    const match = /^(\d*)-(\d*)$/.exec(item)
    if (!match || (match[1] === '' && match[2] === '')) return null
    const wish = { start: match[1] === '' ? null : Number(match[1]), end: match[2] === '' ? null : Number(match[2]) }
    if (wish.start !== null && wish.end !== null && wish.end < wish.start) return null
    wishes.push(wish)
  }
  return wishes
}

/**
 * Returns the spans [start, end) that a Range header selects in a body of `size` bytes; null when it is to be ignored,
 * empty when none can be served. Too many ranges count as unservable: over 50, over 2 overlaps, or 8 or more out of
 * order, as in Swift's swob.py.
 */
export function spansOf(header: string | undefined, size: number): Span[] | null {
  const wishes = header === undefined ? null : parseRange(header)
  if (wishes === null) return null
  const spans: Span[] = []
  for (const { start, end } of wishes) {
    if (start === null) {
      if (end! > 0) spans.push([Math.max(0, size - end!), size])
    } else if (start < size) spans.push([start, end === null ? size : Math.min(end + 1, size)])
  }
  return isGreedy(spans) ? [] : spans
}

function isGreedy(spans: Span[]): boolean {
  if (spans.length > 50) return true
  let overlaps = 0
  for (let first = 0; first < spans.length; first++) {
    for (let second = first + 1; second < spans.length; second++) {
      if (overlap(spans[first]!, spans[second]!) && ++overlaps > 2) return true
    }
  }
  const ascending = spans.every((span, index) => index === 0 || spans[index - 1]![0] <= span[0])
  return !ascending && spans.length >= 8
}

const within = (value: number, [start, end]: Span) => start < value && value < end
const overlap = (a: Span, b: Span) => within(b[0], a) || within(b[1], a) || within(a[0], b) || within(a[1], b)

/** Turns a 200 with content of known size into what the Range header asks for: 206, multipart 206 or 416. */
export function applyRange(response: SwiftResponse, content: Content & { size: number }, range: string): SwiftResponse {
  const { size } = content
  const spans = spansOf(range, size)
  if (spans === null || (size === 0 && spans.length > 0)) return response
  if (spans.length === 0) {
    const refusal = answer(416, { headers: { ...response.headers, 'content-range': `bytes */${size}` } })
    refusal.headers['content-type'] = 'text/html; charset=UTF-8'
    return refusal
  }
  const [first] = spans
  if (spans.length > 1) return multipart(response, content, spans)
  const [start, end] = first!
  return {
    status: 206,
    headers: {
      ...response.headers,
      'content-range': `bytes ${start}-${end - 1}/${size}`,
      'content-length': String(end - start),
    },
    body: content.read(start, end),
  }
}

function multipart(response: SwiftResponse, content: Content & { size: number }, spans: Span[]): SwiftResponse {
  const boundary = randomBytes(16).toString('hex')
  const type = response.headers['content-type'] ?? 'application/octet-stream'
  const headOf = ([start, end]: Span) =>
    `--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end - 1}/${content.size}\r\n\r\n`
  const tail = `--${boundary}--`
  let length = tail.length
  for (const span of spans) length += Buffer.byteLength(headOf(span)) + span[1] - span[0] + 2
  async function* parts(): AsyncGenerator<Buffer> {
    for (const span of spans) {
      yield Buffer.from(headOf(span))
      yield* content.read(span[0], span[1])
      yield Buffer.from('\r\n')
    }
    yield Buffer.from(tail)
  }
  return {
    status: 206,
    headers: {
      ...response.headers,
      'content-type': `multipart/byteranges;boundary=${boundary}`,
      'content-length': String(length),
    },
    body: parts(),
  }
}
