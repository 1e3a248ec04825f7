import { setOwn } from '@hearth/core'
import { answer, refuse, type SwiftResponse } from '../../../model/response.ts'
import type { ProxyDeps } from '../../deps.ts'
import { applyConditions } from '../../objects/conditions.ts'
import { derive, type Handler, isTrue, refererOf, type SwiftRequest } from '../../request.ts'
import type { Feature } from '../feature.ts'
import { ruledAnew } from '../keystone-auth/access-rules.ts'

/** Server-side copies: COPY with a Destination, or PUT with X-Copy-From. */
export const copy: Feature = {
  name: 'copy',
  wrap: (next, deps) => async (request) => {
    if (request.object === null) return next(request)
    if (request.method === 'COPY') return copyObject(fromCopy(request), next, deps)
    if (request.method === 'PUT' && request.headers['x-copy-from'] !== undefined)
      return copyObject(fromPut(request), next, deps)
    return next(request)
  },
}

interface Copying {
  source: SwiftRequest
  target: SwiftRequest
}

const unquote = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** `/container/object`, percent-encoded. Throws a 412. */
function parsePlace(header: string, value: string): { container: string; object: string } {
  const match = /^\/?([^/]+)\/([\s\S]+)$/.exec(unquote(value))
  if (!match) throw refuse(412, `${header} header must be of the form <container name>/<object name>`)
  return { container: match[1]!, object: match[2]! }
}

function fromCopy(request: SwiftRequest): Copying {
  const { destination, 'destination-account': account, ...headers } = request.headers
  if (destination === undefined) throw refuse(412, 'Destination header required')
  const place = parsePlace('Destination', destination)
  const target = { ...request, ...place, account: account ? unquote(account) : request.account, headers, method: 'PUT' }
  return { source: { ...request, method: 'GET' }, target }
}

function fromPut(request: SwiftRequest): Copying {
  const { 'x-copy-from': from, 'x-copy-from-account': account, ...headers } = request.headers
  if (request.length !== null && request.length > 0) throw refuse(400, 'Copy requests require a zero byte body')
  const place = parsePlace('X-Copy-From', from!)
  const source = { ...request, ...place, account: account ? unquote(account) : request.account, method: 'GET' }
  return { source, target: { ...request, headers } }
}

async function copyObject({ source, target }: Copying, next: Handler, deps: ProxyDeps): Promise<SwiftResponse> {
  const manifest = source.query['multipart-manifest'] === 'get'
  const link = source.query.symlink === 'get'
  const reading = derive(source, {
    headers: { ...conditionsOf(source.headers), ...refererOf(source), 'x-newest': 'true' },
    query: { ...(manifest ? { 'multipart-manifest': 'get', format: 'raw' } : {}), ...(link ? { symlink: 'get' } : {}) },
  })
  const read = await next(ruledAnew(reading))
  const isStatic = manifest && isTrue(read.headers['x-static-large-object'])
  const etag = read.content && /^[0-9a-f]{32}$/.test(read.headers.etag ?? '') ? read.headers.etag : undefined
  const found = applyConditions(reading, read)
  if (found.status >= 300) return found
  const length = Number(found.headers['content-length'] ?? Number.NaN)
  if (length > deps.limits.max_file_size) return answer(413)
  const headers = targetHeaders(found, target, { keepManifest: manifest })
  if (etag && found.status === 200 && !isStatic && headers.etag === undefined) headers.etag = etag
  const written = await next({
    ...target,
    headers,
    query: isStatic ? { 'multipart-manifest': 'put' } : {},
    body: found.body as AsyncIterable<Buffer>,
    length: Number.isNaN(length) ? null : length,
    chunked: Number.isNaN(length),
  })
  return written.status >= 300
    ? written
    : { ...written, headers: { ...written.headers, ...reportOf(source, found, headers) } }
}

const conditionsOf = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name === 'range' || name.startsWith('if-')))

const kept = ['content-disposition', 'content-encoding', 'cache-control', 'content-language', 'expires', 'x-robots-tag']

/** The source's metadata, unless fresh metadata is asked for, and over it the request's own. */
function targetHeaders(
  source: SwiftResponse,
  target: SwiftRequest,
  { keepManifest }: { keepManifest: boolean },
): Record<string, string> {
  const own = Object.fromEntries(
    Object.entries(target.headers).filter(
      ([name, value]) => !name.startsWith('if-') && name !== 'range' && !(name === 'content-type' && value === ''),
    ),
  )
  const headers: Record<string, string> = {}
  if (!isTrue(target.headers['x-fresh-metadata'])) {
    for (const [name, value] of Object.entries(source.headers)) {
      const wanted = name.startsWith('x-object-meta-') || name === 'x-delete-at' || kept.includes(name)
      if (wanted || name.startsWith('x-symlink-target') || (name === 'x-object-manifest' && keepManifest))
        setOwn(headers, name, value)
    }
    if (own['x-delete-after'] !== undefined) delete headers['x-delete-at']
  }
  const type = source.headers['content-type']
  if (type && source.status === 200) headers['content-type'] = type
  return { ...headers, ...own }
}

function reportOf(source: SwiftRequest, found: SwiftResponse, headers: Record<string, string>): Record<string, string> {
  const quoted = (text: string) => encodeURIComponent(text).replaceAll('%2F', '/')
  const report: Record<string, string> = {
    'x-copied-from': `${quoted(source.container!)}/${quoted(source.object!)}`,
    'x-copied-from-account': quoted(source.account),
    'x-copied-from-last-modified': found.headers['last-modified'] ?? '',
  }
  for (const [name, value] of Object.entries(headers))
    if (name.startsWith('x-object-meta-')) setOwn(report, name, value)
  return report
}
