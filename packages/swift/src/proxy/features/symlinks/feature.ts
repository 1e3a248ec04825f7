import { answer, refuse, type SwiftResponse } from '../../../model/response.ts'
import { listingEtagHeader } from '../../../placement/listing-override.ts'
import { derive, type Handler, type SwiftRequest } from '../../request.ts'
import type { Feature } from '../feature.ts'
import { ruledAnew } from '../keystone-auth/access-rules.ts'

/** Links followed one after the other, at most. */
const most = 2
const emptyMd5 = 'd41d8cd98f00b204e9800998ecf8427e'
const targetHeader = 'x-object-sysmeta-symlink-target'

/** Objects that stand for another object; with an etag, for exactly one state of it. */
export const symlinks: Feature = {
  name: 'symlink',
  capability: { symloop_max: most, static_links: true },
  wrap: (next) => async (request) => {
    if (request.object === null) return next(request)
    if (request.method === 'PUT' && request.headers['x-symlink-target'] !== undefined) return putLink(request, next)
    if (request.method === 'POST') return postLink(request, next)
    if (request.method !== 'GET' && request.method !== 'HEAD') return next(request)
    const response = await next(request)
    const link = linkOf(request, response)
    if (!link) return response
    return request.query.symlink === 'get' ? showLink(response, link) : follow(request, link, next)
  },
}

interface Link {
  account: string
  container: string
  object: string
  /** Whether the account was named. */
  foreign: boolean
  etag: string | null
}

/** The link that a stored object is, or null. */
function linkOf(request: SwiftRequest, response: SwiftResponse): Link | null {
  const target = response.headers[targetHeader]
  if (target === undefined) return null
  const account = response.headers['x-object-sysmeta-symlink-target-account']
  const [container = '', ...rest] = target.split('/')
  return {
    ...{ container, object: rest.join('/'), account: account ?? request.account, foreign: account !== undefined },
    etag: response.headers['x-object-sysmeta-symlink-target-etag'] ?? null,
  }
}

const quote = (text: string) => encodeURIComponent(text).replaceAll('%2F', '/')
const unquote = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
const pathOf = (link: Link) => `/v1/${quote(link.account)}/${quote(link.container)}/${quote(link.object)}`

async function putLink(request: SwiftRequest, next: Handler): Promise<SwiftResponse> {
  const {
    'x-symlink-target': target = '',
    'x-symlink-target-account': account,
    'x-symlink-target-etag': etag,
    ...headers
  } = request.headers
  if (request.length !== 0) throw refuse(400, 'Symlink requests require a zero byte body')
  const match = /^\/?([^/]+)\/([\s\S]+)$/.exec(unquote(target))
  if (!match) throw refuse(412, 'X-Symlink-Target header must be of the form <container name>/<object name>')
  const [, container = '', object = ''] = match
  const link: Link = {
    ...{ container, object, account: account ? unquote(account) : request.account, foreign: Boolean(account) },
    etag: etag ? etag.replace(/^"(.*)"$/, '$1') : null,
  }
  if (link.account === request.account && container === request.container && object === request.object)
    throw refuse(400, 'Symlink cannot target itself')
  const size = link.etag === null ? null : await checkTarget(request, link, next)
  const parameters = [
    `symlink_target=${quote(container)}/${quote(object)}`,
    ...(link.foreign ? [`symlink_target_account=${quote(link.account)}`] : []),
    ...(link.etag === null ? [] : [`symlink_target_etag=${link.etag}`, `symlink_target_bytes=${size}`]),
  ]
  const sysmeta: Record<string, string> = {
    ...request.sysmeta,
    [targetHeader]: `${container}/${object}`,
    [listingEtagHeader]: [emptyMd5, ...parameters].join('; '),
    ...(link.foreign ? { 'x-object-sysmeta-symlink-target-account': link.account } : {}),
    ...(link.etag === null ? {} : { 'x-object-sysmeta-symlink-target-etag': link.etag }),
  }
  if (!headers['content-type']) headers['content-type'] = 'application/symlink'
  return next({ ...request, headers, sysmeta })
}

/** Checks that the target of a static link exists now. Returns its size. */
async function checkTarget(request: SwiftRequest, link: Link, next: Handler): Promise<number> {
  const { account, container, object, etag } = link
  const head = await next(
    derive(request, { account, container, object, method: 'HEAD', headers: { 'x-newest': 'true' } }),
  )
  if (head.status === 404) throw refuse(409, 'X-Symlink-Target does not exist')
  if (!head.content) throw refuse(head.status)
  const logical = head.headers['x-object-sysmeta-slo-etag'] ?? head.headers.etag
  if (logical !== etag) throw refuse(409, 'Object Etag does not match X-Symlink-Target-Etag header value')
  return Number(head.headers['x-object-sysmeta-slo-size'] ?? head.content.size)
}

function showLink(response: SwiftResponse, link: Link): SwiftResponse {
  const headers: Record<string, string> = {
    ...response.headers,
    'x-symlink-target': `${quote(link.container)}/${quote(link.object)}`,
    ...(link.foreign ? { 'x-symlink-target-account': quote(link.account) } : {}),
    ...(link.etag === null ? {} : { 'x-symlink-target-etag': link.etag }),
  }
  return { ...response, headers }
}

async function follow(request: SwiftRequest, first: Link, next: Handler): Promise<SwiftResponse> {
  let link = first
  for (let steps = 0; steps < most; steps++) {
    const { account, container, object } = link
    const response = await next(ruledAnew({ ...request, account, container, object }))
    const further = linkOf({ ...request, account }, response)
    if (!further) return arrived(response, link)
    link = further
  }
  throw refuse(409, `Too many levels of symbolic links, maximum allowed is ${most}`)
}

function arrived(response: SwiftResponse, link: Link): SwiftResponse {
  const headers = { ...response.headers, 'content-location': pathOf(link) }
  const logical = response.headers['x-object-sysmeta-slo-etag'] ?? response.headers.etag
  if (link.etag === null || !response.content || logical === link.etag) return { ...response, headers }
  return answer(409, {
    text: 'Object Etag does not match X-Symlink-Target-Etag header value',
    headers: { 'content-location': pathOf(link) },
  })
}

/** Writes metadata to the link; the response names the target. */
async function postLink(request: SwiftRequest, next: Handler): Promise<SwiftResponse> {
  if (request.headers['x-symlink-target'] !== undefined)
    throw refuse(400, 'A PUT request is required to set a symlink target')
  const link = linkOf(request, await next(derive(request, { method: 'HEAD', headers: {} })))
  const response = await next(request)
  if (!link || response.status !== 202) return response
  return answer(307, { headers: { location: pathOf(link) } })
}
