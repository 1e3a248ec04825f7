import { refuse } from '../../../model/response.ts'
import { spansOf } from '../../objects/ranges.ts'
import type { Segment } from '../segments.ts'

export const maxSegments = 1000
/** Most bad elements of a manifest that an error names. */
const mostProblems = 1000
export const maxManifestSize = 8 * 1024 * 1024

/** One element of a manifest as the client PUTs it. */
export interface Wish {
  path?: string
  etag?: string | null
  size_bytes?: number | string | null
  range?: string
  data?: string
}

/** One element of a manifest as it is stored. */
export interface StoredSegment {
  name?: string
  hash?: string
  bytes?: number
  content_type?: string
  last_modified?: string
  range?: string
  sub_slo?: boolean
  /** Base64. */
  data?: string
}

/** Keys of an element by its kind, as Swift's slo middleware has them (SLO_KEYS). */
const keysOf = { path: ['path', 'etag', 'size_bytes', 'range'], data: ['data'] }

/** Reads a client's manifest. Throws a 400 that names each bad element, or a 413. */
export function parseManifest(body: Buffer): Wish[] {
  let wishes: unknown
  try {
    wishes = JSON.parse(body.toString('utf8'))
  } catch {
    throw refuse(400, 'Manifest must be valid JSON.\n')
  }
  if (!Array.isArray(wishes)) throw refuse(400, 'Manifest must be a list.\n')
  const problems: string[] = []
  for (let index = 0; index < wishes.length && problems.length < mostProblems; index++)
    problems.push(...problemsOf(wishes[index] as Wish).map((text) => `Index ${index}: ${text}`))
  if (problems.length > 0) throw refuse(400, `${problems.join('\n')}\n`)
  const objects = (wishes as Wish[]).filter((wish) => wish.data === undefined)
  if (objects.length > maxSegments) throw refuse(413, `Number of object-backed segments must be <= ${maxSegments}\n`)
  if (objects.length === 0) throw refuse(400, 'Inline data segments require at least one object-backed segment.\n')
  return wishes as Wish[]
}

function problemsOf(wish: Wish): string[] {
  if (typeof wish !== 'object' || wish === null || Array.isArray(wish)) return ['not a JSON object']
  const kind = wish.path !== undefined ? 'path' : 'data'
  if (wish[kind] === undefined) return ["expected keys to include one of 'path' or 'data'"]
  const extra = Object.keys(wish).filter((key) => !keysOf[kind].includes(key))
  if (extra.length > 0) return [`extraneous keys ${extra.map((key) => JSON.stringify(key)).join(', ')}`]
  if (kind === 'path') return problemsOfPath(wish)
  const isBase64 = typeof wish.data === 'string' && Buffer.from(wish.data, 'base64').length > 0
  return isBase64 ? [] : ['data must be valid base64']
}

function problemsOfPath(wish: Wish): string[] {
  if (typeof wish.path !== 'string') return ['"path" must be a string']
  const problems: string[] = []
  if (!/^\/?[^/]+\/[\s\S]+$/.test(wish.path))
    problems.push('path does not refer to an object. Path must be of the form /container/object.')
  if (wish.etag !== undefined && wish.etag !== null && typeof wish.etag !== 'string')
    problems.push('etag must be a string or null (if provided)')
  const size = wish.size_bytes ?? null
  if (size !== null && (typeof size === 'object' || !/^\d+$/.test(String(size)))) problems.push('invalid size_bytes')
  else if (size !== null && Number(size) < 1) problems.push('too small; each segment must be at least 1 byte.')
  if (wish.range !== undefined && (typeof wish.range !== 'string' || spansOf(`bytes=${wish.range}`, 2 ** 52) === null))
    problems.push('invalid range')
  else if (wish.range?.includes(',')) problems.push('multiple ranges (only one allowed)')
  return problems
}

/** The pieces a stored manifest stands for. */
export function segmentsOf(stored: StoredSegment[]): (Segment & { nested: boolean })[] {
  return stored.map((element) => {
    if (element.data !== undefined) {
      const data = Buffer.from(element.data, 'base64')
      return { container: '', object: '', etag: '', size: data.length, start: 0, end: data.length, data, nested: false }
    }
    const [, container = '', ...rest] = (element.name ?? '').split('/')
    const size = element.bytes ?? 0
    const [start, end] = element.range ? rangeOf(element.range) : [0, size]
    const nested = element.sub_slo ?? false
    return { container, object: rest.join('/'), etag: element.hash ?? '', size, start, end, nested }
  })
}

function rangeOf(text: string): [number, number] {
  const [first, last] = text.split('-').map(Number)
  return [first!, last! + 1]
}

/** The form in which a manifest can be PUT again. */
export function asWishes(stored: StoredSegment[]): Wish[] {
  return stored.map((element) =>
    element.data !== undefined
      ? { data: element.data }
      : {
          path: element.name ?? '',
          size_bytes: element.bytes ?? 0,
          etag: element.hash ?? '',
          ...(element.range ? { range: element.range } : {}),
        },
  )
}
