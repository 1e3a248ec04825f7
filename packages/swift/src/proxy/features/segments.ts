import { refuse } from '../../model/response.ts'
import { derive, type Handler, refererOf, type SwiftRequest } from '../request.ts'
import { ruledAnew } from './keystone-auth/access-rules.ts'

/** A piece of a large object: bytes [start, end) of an object, or data given in the manifest itself. */
export interface Segment {
  container: string
  object: string
  /** The md5 the whole segment object must still have. */
  etag: string
  /** Size of the whole segment object. */
  size: number
  start: number
  end: number
  data?: Buffer
}

/**
 * Reads bytes [start, end) of the concatenated segments through `handler`. Throws 409 for a missing or changed segment,
 * which cuts the connection if data was sent already.
 */
export async function* readSegments(
  request: SwiftRequest,
  segments: AsyncIterable<Segment> | Iterable<Segment>,
  handler: Handler,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let at = 0
  for await (const segment of segments) {
    const length = segment.end - segment.start
    const from = Math.max(0, start - at)
    const until = Math.min(length, end - at)
    at += length
    if (until > from) yield* readSegment(request, segment, handler, segment.start + from, segment.start + until)
    if (at >= end) return
  }
}

async function* readSegment(
  request: SwiftRequest,
  segment: Segment,
  handler: Handler,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  if (segment.data) {
    yield segment.data.subarray(start, end)
    return
  }
  const { container, object } = segment
  const part = derive(request, { method: 'GET', container, object, headers: refererOf(request) })
  const response = await handler(ruledAnew(part))
  const etag = response.headers.etag?.replace(/^"(.*)"$/, '$1')
  if (response.status === 200 && response.content && etag === segment.etag && response.content.size === segment.size) {
    yield* response.content.read(start, end)
    return
  }
  request.log.warn({ container, object, status: response.status }, 'a segment of a large object is missing or changed')
  throw refuse([401, 403].includes(response.status) ? response.status : 409)
}
