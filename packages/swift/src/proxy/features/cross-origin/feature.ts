import { answer, type SwiftResponse } from '../../../model/response.ts'
import type { Container } from '../../../storage/records/operations.ts'
import { findContainer, metadataOf } from '../../containers/info.ts'
import type { SwiftRequest } from '../../request.ts'
import type { Feature } from '../feature.ts'

/** Headers that browsers show to pages in any case, and what Swift adds to them. */
const exposed = [
  'cache-control',
  'content-language',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
  'etag',
  'x-timestamp',
  'x-trans-id',
  'x-openstack-request-id',
]

const methods = (request: SwiftRequest) =>
  ['HEAD', 'GET', 'PUT', 'POST', 'OPTIONS', 'DELETE', ...(request.object === null ? [] : ['COPY'])].join(', ')

/** Lets the pages of other sites use a container, as far as its Access-Control metadata says. */
export const crossOrigin: Feature = {
  name: 'cors',
  wrap: (next, deps) => async (request) => {
    const { origin } = request.headers
    const preflight = request.method === 'OPTIONS'
    if (origin === undefined || request.container === null)
      return preflight ? answer(200, { text: '', headers: { allow: methods(request) } }) : next(request)
    const container = await findContainer(deps, request.account, request.container)
    const allowed = allowedOrigin(container, origin)
    if (preflight) return onPreflight(request, container, allowed)
    const response = await next(request)
    return allowed === null ? response : expose(response, container, allowed)
  },
}

/** `*` or the origin itself when the container admits it, else null. */
function allowedOrigin(container: Container | null, origin: string): string | null {
  const list = (metadataOf(container, 'x-container-meta-access-control-allow-origin') ?? '').split(/\s+/)
  return list.includes('*') ? '*' : list.includes(origin) ? origin : null
}

function onPreflight(request: SwiftRequest, container: Container | null, allowed: string | null): SwiftResponse {
  const wanted = request.headers['access-control-request-method']
  if (allowed === null || wanted === undefined || !methods(request).split(', ').includes(wanted.toUpperCase()))
    return answer(401, { headers: { allow: methods(request) } })
  const age = metadataOf(container, 'x-container-meta-access-control-max-age')
  const asked = request.headers['access-control-request-headers']
  return answer(200, {
    text: '',
    headers: {
      allow: methods(request),
      'access-control-allow-origin': allowed,
      'access-control-allow-methods': methods(request),
      vary: 'Origin',
      ...(age === null ? {} : { 'access-control-max-age': age }),
      ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
    },
  })
}

function expose(response: SwiftResponse, container: Container | null, allowed: string): SwiftResponse {
  const extra = (metadataOf(container, 'x-container-meta-access-control-expose-headers') ?? '').split(/[\s,]+/)
  const metadata = Object.keys(response.headers).filter((name) => /^x-(object|container)-meta-/.test(name))
  const names = [...new Set([...exposed, ...metadata, ...extra.map((name) => name.toLowerCase())])].filter(
    (name) => name !== '',
  )
  const headers: Record<string, string> = {
    ...response.headers,
    'access-control-allow-origin': allowed,
    'access-control-expose-headers': names.join(', '),
  }
  if (allowed !== '*') headers.vary = headers.vary ? `${headers.vary}, Origin` : 'Origin'
  return { ...response, headers }
}
