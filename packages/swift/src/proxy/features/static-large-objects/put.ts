import { createHash } from 'node:crypto'
import { answer, refuse, type SwiftResponse } from '../../../model/response.ts'
import { listingEtagHeader, logicalSizeHeader } from '../../../placement/listing-override.ts'
import { findContainer, metadataOf } from '../../containers/info.ts'
import type { ProxyDeps } from '../../deps.ts'
import { spansOf } from '../../objects/ranges.ts'
import { derive, type Handler, isTrue, once, readAll, refererOf, type SwiftRequest } from '../../request.ts'
import { maxManifestSize, parseManifest, type StoredSegment, segmentsOf, type Wish } from './manifest.ts'

/** Segments looked at at once. */
const concurrency = 8

/**
 * Checks the caller's right to write and every segment, then stores the manifest as the object. `read` reads large
 * objects as one.
 */
export async function putManifest(
  request: SwiftRequest,
  next: Handler,
  read: Handler,
  deps: ProxyDeps,
): Promise<SwiftResponse> {
  if (request.headers['x-copy-from'] !== undefined)
    return answer(405, { text: 'Multipart Manifest PUTs cannot be COPY requests' })
  if (request.length === null && !request.chunked) return answer(411)
  const container = await findContainer(deps, request.account, request.container!)
  const denied = await request.authorize(request, { acl: metadataOf(container, 'x-container-write') })
  if (denied) return denied
  const body = await readAll(request.body, maxManifestSize)
  if (body === null) return answer(413)
  const wishes = parseManifest(body)
  const { stored, problems } = await checkSegments(request, wishes, read)
  if (problems.length > 0) throw refuse(400, `Errors:\n${problems.map((problem) => problem.join(', ')).join('\n')}\n`)
  const { etag, size } = describe(stored)
  const expected = request.headers.etag?.replace(/^"(.*)"$/, '$1')
  if (expected && expected !== etag) return answer(422)
  const manifest = Buffer.from(JSON.stringify(stored))
  const { etag: _, ...headers } = request.headers
  const response = await next({
    ...request,
    headers,
    query: {},
    body: once(manifest),
    length: manifest.length,
    chunked: false,
    sysmeta: {
      'x-static-large-object': 'True',
      'x-object-sysmeta-slo-etag': etag,
      [logicalSizeHeader]: String(size),
      [listingEtagHeader]: `${createHash('md5').update(manifest).digest('hex')}; slo_etag=${etag}`,
    },
  })
  return response.status === 201 ? { ...response, headers: { ...response.headers, etag: `"${etag}"` } } : response
}

/** The md5 of the segments' etags (with their ranges) and the sum of their sizes. */
function describe(stored: StoredSegment[]): { etag: string; size: number } {
  const hash = createHash('md5')
  let size = 0
  segmentsOf(stored).forEach((segment, index) => {
    const { range } = stored[index]!
    if (segment.data) hash.update(createHash('md5').update(segment.data).digest('hex'))
    else hash.update(range ? `${segment.etag}:${range};` : segment.etag)
    size += segment.end - segment.start
  })
  return { etag: hash.digest('hex'), size }
}

type Problem = [path: string, reason: string]

async function checkSegments(
  request: SwiftRequest,
  wishes: Wish[],
  read: Handler,
): Promise<{ stored: StoredSegment[]; problems: Problem[] }> {
  const stored: StoredSegment[] = new Array(wishes.length)
  const problems: Problem[] = []
  let next = 0
  const seen = new Map<string, Promise<SwiftResponse>>()
  const worker = async () => {
    for (let index = next++; index < wishes.length; index = next++) {
      const wish = wishes[index]!
      if (wish.data !== undefined) stored[index] = { data: wish.data }
      else stored[index] = await checkSegment(request, wish, index === wishes.length - 1, read, seen, problems)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return { stored, problems }
}

async function checkSegment(
  request: SwiftRequest,
  wish: Wish,
  isLast: boolean,
  read: Handler,
  seen: Map<string, Promise<SwiftResponse>>,
  problems: Problem[],
): Promise<StoredSegment> {
  const path = `/${wish.path!.replace(/^\/+/, '')}`
  const [, container = '', ...rest] = path.split('/')
  const object = rest.join('/')
  const refusal = (reason: string): StoredSegment => {
    problems.push([path, reason])
    return {}
  }
  if (container === request.container && object === request.object)
    return refusal('Manifest object name cannot be included in its own segments')
  const asked =
    seen.get(path) ??
    read(derive(request, { method: 'HEAD', container, object, headers: { ...refererOf(request), 'x-newest': 'true' } }))
  seen.set(path, asked)
  const head = await asked
  if (head.status !== 200 || !head.content)
    return refusal(`${head.status} ${head.status === 404 ? 'Not Found' : 'Refused'}`)
  const size = head.content.size ?? 0
  const etag = head.headers.etag?.replace(/^"(.*)"$/, '$1') ?? ''
  if (wish.size_bytes !== undefined && wish.size_bytes !== null && Number(wish.size_bytes) !== size)
    return refusal('Size Mismatch')
  if (wish.etag && wish.etag.replace(/^"(.*)"$/, '$1') !== etag) return refusal('Etag Mismatch')
  if (size === 0 && !isLast) return refusal('Too small; each segment must be at least 1 byte.')
  const spans = wish.range ? spansOf(`bytes=${wish.range}`, size) : null
  if (spans && spans.length === 0) return refusal('Unsatisfiable Range')
  const [start, end] = spans?.[0] ?? [0, size]
  return {
    name: path,
    bytes: size,
    hash: etag,
    content_type: head.headers['content-type'] ?? '',
    last_modified: new Date(Date.parse(head.headers['last-modified'] ?? '') || 0).toISOString().replace('Z', '000'),
    ...(end - start < size ? { range: `${start}-${end - 1}` } : {}),
    ...(isTrue(head.headers['x-static-large-object']) ? { sub_slo: true } : {}),
  }
}
