import { answer, refuse, type SwiftResponse } from '../../../model/response.ts'
import { listObjects } from '../../containers/get.ts'
import { findContainer, metadataOf } from '../../containers/info.ts'
import type { ProxyDeps } from '../../deps.ts'
import { derive, type Handler, type SwiftRequest } from '../../request.ts'
import type { Feature } from '../feature.ts'

const markerType = 'application/x-deleted'

/**
 * Copies the version that a PUT or DELETE replaces into another container. X-Versions-Location: a DELETE restores the
 * previous version. X-History-Location: a DELETE is recorded as one more version.
 */
export const versions: Feature = {
  name: 'versioned_writes',
  capability: { allowed_flags: ['x-versions-location', 'x-history-location'] },
  wrap: (next, deps) => async (request) => {
    if (request.container === null) return next(request)
    if (request.object === null) return next(checkHeaders(request))
    if (request.method !== 'PUT' && request.method !== 'DELETE') return next(request)
    const container = await findContainer(deps, request.account, request.container)
    const stack = metadataOf(container, 'x-versions-location')
    const given = stack ?? metadataOf(container, 'x-history-location')
    if (!given) return next(request)
    const location = unquote(given)
    const denied = await request.authorize(request, { acl: metadataOf(container, 'x-container-write') })
    if (denied) return denied
    if (request.method === 'PUT') return (await archive(request, location, next)) ?? next(request)
    return stack ? restore(request, location, next, deps) : recordDeletion(request, location, next, deps)
  },
}

function checkHeaders(request: SwiftRequest): SwiftRequest {
  if (!['PUT', 'POST'].includes(request.method)) return request
  const [stack, history] = [request.headers['x-versions-location'], request.headers['x-history-location']]
  if (stack && history) throw refuse(400, 'Only one of X-Versions-Location or X-History-Location may be specified')
  for (const location of [stack, history])
    if (location && unquote(location).includes('/')) throw refuse(412, 'Container name cannot contain slashes')
  const headers = { ...request.headers }
  // Setting one mode ends the other, and counts more than removing it.
  if (stack) headers['x-history-location'] = ''
  if (history) headers['x-versions-location'] = ''
  if (stack || history) {
    delete headers['x-remove-versions-location']
    delete headers['x-remove-history-location']
  }
  return { ...request, headers }
}

/** The header carries the name percent-encoded, as Swift's versioned_writes reads it. */
function unquote(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const prefixOf = (object: string) => `${Buffer.byteLength(object).toString(16).padStart(3, '0')}${object}/`

/** Copies the current version into the archive. Returns a failure, or null when the request may go on. */
async function archive(request: SwiftRequest, location: string, next: Handler): Promise<SwiftResponse | null> {
  const found = await next(derive(request, { method: 'GET', query: asStored, headers: { 'x-newest': 'true' } }))
  if (found.status === 404) return null
  if (!found.content) return found
  const object = `${prefixOf(request.object!)}${found.headers['x-timestamp']}`
  const stored = await next(copyOf(request, found, location, object))
  if (stored.status < 300) return null
  return stored.status === 401 || stored.status === 403 ? stored : answer(412)
}

/** A link is kept as the link it is, which its sysmeta says. */
const asStored = { symlink: 'get' }

function copyOf(request: SwiftRequest, found: SwiftResponse, container: string, object: string): SwiftRequest {
  const content = found.content!
  const length = content.size
  const sysmeta = Object.fromEntries(
    Object.entries(found.headers).filter(
      ([name]) => name.startsWith('x-object-sysmeta-') || name === 'x-static-large-object',
    ),
  )
  const headers = Object.fromEntries(
    Object.entries(found.headers).filter(([name]) => name !== 'etag' && !name.startsWith('x-symlink-')),
  )
  return derive(request, {
    method: 'PUT',
    container,
    object,
    headers,
    sysmeta,
    body: content.read(0, length ?? Number.MAX_SAFE_INTEGER),
    length,
    chunked: length === null,
  })
}

async function restore(
  request: SwiftRequest,
  location: string,
  next: Handler,
  deps: ProxyDeps,
): Promise<SwiftResponse> {
  const query = {
    limit: 1,
    marker: '',
    endMarker: '',
    prefix: prefixOf(request.object!),
    delimiter: '',
    path: null,
    reverse: true,
  }
  const [line] = (await listObjects(deps, request.account, location, query)) as { name: string }[]
  if (!line) return next(request)
  const version = { container: location, object: line.name }
  const found = await next(
    derive(request, { ...version, method: 'GET', query: asStored, headers: { 'x-newest': 'true' } }),
  )
  if (found.content && found.headers['content-type'] !== markerType) {
    const stored = await next(copyOf(request, found, request.container!, request.object!))
    if (stored.status >= 300) return stored
  } else {
    const removed = await next(request)
    if (removed.status >= 300 && removed.status !== 404) return removed
  }
  return next(derive(request, { ...version, method: 'DELETE', headers: {} }))
}

async function recordDeletion(
  request: SwiftRequest,
  location: string,
  next: Handler,
  deps: ProxyDeps,
): Promise<SwiftResponse> {
  const failed = await archive(request, location, next)
  if (failed) return failed
  const object = `${prefixOf(request.object!)}${deps.timestamps.next()}`
  const marker = derive(request, {
    method: 'PUT',
    container: location,
    object,
    headers: { 'content-type': markerType },
  })
  const stored = await next(marker)
  return stored.status < 300 ? next(request) : stored
}
