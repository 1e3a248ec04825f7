import { answer, type SwiftResponse } from '../../model/response.ts'
import type { SwiftRequest } from '../request.ts'
import { applyRange } from './ranges.ts'

const unquote = (tag: string) => tag.trim().replace(/^"(.*)"$/, '$1')
const tagsOf = (header: string) => header.split(',').map(unquote)

/**
 * Returns the status that an If- header turns the response into, or null. Order as in Swift: If-None-Match, If-Match,
 * then the dates.
 */
function conditionStatus(headers: Record<string, string>, response: SwiftResponse): 304 | 412 | null {
  const etag = unquote(response.headers.etag ?? '')
  const holds = (header: string) => {
    const tags = tagsOf(header)
    return tags.includes('*') || tags.includes(etag)
  }
  const { 'if-none-match': noneMatch, 'if-match': match } = headers
  if (etag !== '' && noneMatch && holds(noneMatch)) return 304
  if (etag !== '' && match && !holds(match)) return 412
  const modified = dateOf(response.headers['last-modified'])
  const [since, unmodifiedSince] = [dateOf(headers['if-modified-since']), dateOf(headers['if-unmodified-since'])]
  if (modified !== null && since !== null && modified <= since) return 304
  if (modified !== null && unmodifiedSince !== null && modified > unmodifiedSince) return 412
  return null
}

function dateOf(text: string | undefined): number | null {
  // A C date (`Sat Nov 21 02:00:00 2026`) carries no zone and means UTC too.
  const time = text === undefined ? Number.NaN : Date.parse(/GMT|UTC|[+-]\d{4}$/.test(text) ? text : `${text} GMT`)
  return Number.isNaN(time) ? null : time
}

/** Applies If- and Range headers to a response that carries an object's content; the last step before sending. */
export function applyConditions(request: SwiftRequest, response: SwiftResponse): SwiftResponse {
  const { content } = response
  if (!content) {
    const everything = response.status === 404 && tagsOf(request.headers['if-match'] ?? '').includes('*')
    return everything && ['GET', 'HEAD'].includes(request.method) ? answer(412) : response
  }
  const status = conditionStatus(request.headers, response)
  if (status !== null) {
    const { 'content-length': _length, ...headers } = response.headers
    return status === 304 ? { status, headers } : { ...answer(412), headers: { ...headers, ...answer(412).headers } }
  }
  const whole = wholeAnswer(response, content)
  if (request.method === 'HEAD') return { status: response.status, headers: whole.headers }
  const { range } = request.headers
  if (range === undefined || content.size === null || response.status !== 200) return whole
  return applyRange(whole, { ...content, size: content.size }, range)
}

function wholeAnswer(response: SwiftResponse, content: NonNullable<SwiftResponse['content']>): SwiftResponse {
  const headers = { ...response.headers }
  if (content.size !== null) headers['content-length'] = String(content.size)
  return { status: response.status, headers, body: content.read(0, content.size ?? Number.MAX_SAFE_INTEGER) }
}
