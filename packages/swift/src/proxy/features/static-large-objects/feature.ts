import { answer, type Content, refuse, type SwiftResponse } from '../../../model/response.ts'
import { logicalSizeHeader } from '../../../placement/listing-override.ts'
import { asciiJson } from '../../listings/format.ts'
import { derive, type Handler, readAll, type SwiftRequest } from '../../request.ts'
import { deleteMany, reportOf } from '../bulk/delete-many.ts'
import type { Feature } from '../feature.ts'
import { readSegments, type Segment } from '../segments.ts'
import { asWishes, maxManifestSize, maxSegments, type StoredSegment, segmentsOf } from './manifest.ts'
import { putManifest } from './put.ts'

/** How deep large objects may be made of large objects. */
const maxDepth = 10

/** Large objects whose segments a manifest lists. */
export const staticLargeObjects: Feature = {
  name: 'slo',
  capability: {
    max_manifest_segments: maxSegments,
    max_manifest_size: maxManifestSize,
    yield_frequency: 10,
    min_segment_size: 1,
    allow_async_delete: false,
  },
  wrap: (next, deps) => {
    const handler =
      (depth: number): Handler =>
      async (request) => {
        if (request.object === null) return next(request)
        const mode = request.query['multipart-manifest']
        if (request.method === 'PUT' && mode === 'put') return putManifest(request, next, handler(depth + 1), deps)
        if (request.method === 'DELETE' && mode === 'delete') return deleteManifest(request, next)
        if (request.method !== 'GET' && request.method !== 'HEAD') return next(request)
        const response = await next(request)
        if (!response.content || !response.headers['x-object-sysmeta-slo-etag']) return response
        if (depth >= maxDepth) throw refuse(409, 'Too much recursion')
        if (mode === 'get') return showManifest(request, response)
        return assemble(request, response, response.content, handler(depth + 1))
      }
    return handler(0)
  },
}

async function loadManifest(content: Content): Promise<StoredSegment[]> {
  const body = await readAll(content.read(0, content.size ?? maxManifestSize), maxManifestSize)
  return JSON.parse((body ?? Buffer.alloc(0)).toString()) as StoredSegment[]
}

async function showManifest(request: SwiftRequest, response: SwiftResponse): Promise<SwiftResponse> {
  const headers: Record<string, string> = { ...response.headers, 'content-type': 'application/json; charset=utf-8' }
  if (request.query.format !== 'raw') return { ...response, headers }
  const raw = Buffer.from(asciiJson(asWishes(await loadManifest(response.content!))))
  const { etag: _, ...rest } = headers
  return { ...response, headers: rest, content: contentOf(raw) }
}

const contentOf = (bytes: Buffer): Content => ({
  size: bytes.length,
  async *read(start, end) {
    yield bytes.subarray(start, end)
  },
})

function assemble(
  request: SwiftRequest,
  response: SwiftResponse,
  manifest: Content,
  self: Handler,
): SwiftResponse | Promise<SwiftResponse> {
  const size = Number(response.headers[logicalSizeHeader])
  const headers = {
    ...response.headers,
    etag: `"${response.headers['x-object-sysmeta-slo-etag']}"`,
    'x-manifest-etag': response.headers.etag ?? '',
  }
  async function* segments(): AsyncGenerator<Segment> {
    yield* segmentsOf(await loadManifest(manifest))
  }
  const content: Content = { size, read: (start, end) => readSegments(request, segments(), self, start, end) }
  const part = request.query['part-number']
  if (part === undefined) return { ...response, headers, content }
  return onePart({ ...response, headers, content }, manifest, part, request)
}

/** Returns one segment as a 206. */
async function onePart(
  response: SwiftResponse,
  manifest: Content,
  part: string,
  request: SwiftRequest,
): Promise<SwiftResponse> {
  if (request.headers.range !== undefined)
    throw refuse(400, 'Range requests are not supported with part number queries')
  if (!/^[1-9]\d*$/.test(part)) throw refuse(400, 'Part number must be an integer greater than 0')
  const all = segmentsOf(await loadManifest(manifest))
  const wanted = all[Number(part) - 1]
  const headers = { ...response.headers, 'x-parts-count': String(all.length) }
  const { size } = response.content!
  if (!wanted) return answer(416, { headers: { ...headers, 'content-range': `bytes */${size}` } })
  const start = all.slice(0, Number(part) - 1).reduce((sum, segment) => sum + segment.end - segment.start, 0)
  const end = start + wanted.end - wanted.start
  return {
    status: 206,
    headers: {
      ...headers,
      'content-range': `bytes ${start}-${end - 1}/${size}`,
      'content-length': String(end - start),
    },
    body: response.content!.read(start, end),
  }
}

/** Deletes the segments, including those of nested large objects, then the manifest. Returns a bulk-delete report. */
async function deleteManifest(request: SwiftRequest, next: Handler): Promise<SwiftResponse> {
  const paths = await collect(request, { container: request.container!, object: request.object! }, next, 0)
  if (!Array.isArray(paths)) return paths
  return reportOf(request, await deleteMany(request, paths, next))
}

async function collect(
  request: SwiftRequest,
  of: { container: string; object: string },
  next: Handler,
  depth: number,
): Promise<string[] | SwiftResponse> {
  if (depth > maxDepth) throw refuse(400, 'Too many buffered slo segments to delete.')
  const response = await next(derive(request, { ...of, method: 'GET', headers: { 'x-newest': 'true' } }))
  if (response.status !== 200 || !response.content)
    return depth === 0 && response.status !== 404 ? response : [`/${of.container}/${of.object}`]
  if (!response.headers['x-object-sysmeta-slo-etag']) {
    if (depth === 0) throw refuse(400, 'Not an SLO manifest')
    return [`/${of.container}/${of.object}`]
  }
  const paths: string[] = []
  for (const segment of segmentsOf(await loadManifest(response.content))) {
    if (segment.data) continue
    const { container, object } = segment
    const below = segment.nested
      ? await collect(request, { container, object }, next, depth + 1)
      : [`/${container}/${object}`]
    paths.push(...(Array.isArray(below) ? below : [`/${container}/${object}`]))
  }
  return [...paths, `/${of.container}/${of.object}`]
}
