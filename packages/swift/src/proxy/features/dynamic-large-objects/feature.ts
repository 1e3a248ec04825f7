import { createHash } from 'node:crypto'
import { refuse, type SwiftResponse } from '../../../model/response.ts'
import { listObjects } from '../../containers/get.ts'
import { findContainer, metadataOf } from '../../containers/info.ts'
import type { ProxyDeps } from '../../deps.ts'
import type { Line } from '../../listings/format.ts'
import { derive, type Handler, type SwiftRequest } from '../../request.ts'
import type { Feature } from '../feature.ts'
import { readSegments, type Segment } from '../segments.ts'

/** Large objects whose segments are whatever is listed below a prefix at the time of reading. */
export const dynamicLargeObjects: Feature = {
  name: 'dlo',
  capability: {},
  wrap: (next, deps) => async (request) => {
    if (request.object === null) return next(request)
    const manifest = request.headers['x-object-manifest']
    if ((request.method === 'PUT' || request.method === 'POST') && manifest) checkManifest(manifest)
    const response = await next(request)
    const reads = request.method === 'GET' || request.method === 'HEAD'
    if (!reads || request.query['multipart-manifest'] === 'get') return response
    const target = response.headers['x-object-manifest']
    return response.content && target ? assemble(request, response, decode(target), next, deps) : response
  },
}

const decode = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function checkManifest(manifest: string): void {
  const [container, ...rest] = decode(manifest).split('/')
  const prefix = rest.join('/')
  if (!container || !prefix || /[?&]/.test(manifest) || prefix.startsWith('/'))
    throw refuse(400, 'X-Object-Manifest must be in the format container/prefix')
}

/** Segments on one page of the listing; with more segments the length and the etag are unknown. */
const page = 10_000

type ObjectLine = { name: string; hash: string; bytes: number }

async function assemble(
  request: SwiftRequest,
  response: SwiftResponse,
  target: string,
  next: Handler,
  deps: ProxyDeps,
): Promise<SwiftResponse> {
  const [container = '', ...rest] = target.split('/')
  const found = await findContainer(deps, request.account, container)
  const denied = await request.authorize(derive(request, { container, object: '' }), {
    acl: metadataOf(found, 'x-container-read'),
  })
  if (denied) return denied
  const list = (marker: string) => listPage(deps, request.account, container, rest.join('/'), marker)
  const first = await list('')
  const complete = first.length < page
  const headers = { ...response.headers }
  if (complete) {
    const hash = createHash('md5')
    for (const segment of first) hash.update(segment.etag)
    headers.etag = `"${hash.digest('hex')}"`
  } else delete headers.etag
  delete headers['content-length']
  const size = complete ? first.reduce((sum, segment) => sum + segment.size, 0) : null
  async function* segments(): AsyncGenerator<Segment> {
    for (let some = first; some.length > 0; some = some.length < page ? [] : await list(some.at(-1)!.object))
      yield* some
  }
  return {
    ...response,
    headers,
    content: { size, read: (start, end) => readSegments(request, segments(), next, start, end) },
  }
}

async function listPage(
  deps: ProxyDeps,
  account: string,
  container: string,
  prefix: string,
  marker: string,
): Promise<Segment[]> {
  const query = { limit: page, marker, endMarker: '', prefix, delimiter: '', path: null, reverse: false }
  const lines: Line[] = await listObjects(deps, account, container, query)
  return (lines as ObjectLine[]).map((line) => ({
    container,
    object: line.name,
    etag: line.hash,
    size: line.bytes,
    start: 0,
    end: line.bytes,
  }))
}
