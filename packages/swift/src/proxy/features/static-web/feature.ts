import { answer, type SwiftResponse } from '../../../model/response.ts'
import type { Container } from '../../../storage/records/operations.ts'
import { findContainer, metadataOf } from '../../containers/info.ts'
import { derive, type Handler, isTrue, type SwiftRequest } from '../../request.ts'
import type { Feature } from '../feature.ts'
import { listingPage, type WebLine } from './listing.ts'

/** Containers served as web sites to whoever reads without a token. */
export const staticWeb: Feature = {
  name: 'staticweb',
  capability: {},
  wrap: (next, deps) => async (request) => {
    const reads = request.method === 'GET' || request.method === 'HEAD'
    const wanted =
      request.headers['x-web-mode'] === undefined
        ? request.identity === null && !request.preauthorized
        : isTrue(request.headers['x-web-mode'])
    if (!reads || !wanted || request.container === null) return next(request)
    const container = await findContainer(deps, request.account, request.container)
    const site = container && siteOf(container)
    if (!site) return next(request)
    return request.object === null ? serveContainer(request, site, next) : serveObject(request, site, next)
  },
}

interface Site {
  index: string | null
  error: string | null
  listings: boolean
  css: string | null
  label: string | null
  directoryType: string
}

function siteOf(container: Container): Site | null {
  const web = (name: string) => metadataOf(container, `x-container-meta-web-${name}`)
  const site: Site = {
    index: web('index')?.trim() ?? null,
    error: web('error')?.trim() ?? null,
    listings: isTrue(web('listings') ?? undefined),
    css: web('listings-css')?.trim() ?? null,
    label: web('listings-label')?.trim() ?? null,
    directoryType: web('directory-type')?.trim() ?? 'application/directory',
  }
  return site.index || site.error || site.listings ? site : null
}

async function serveContainer(request: SwiftRequest, site: Site, next: Handler): Promise<SwiftResponse> {
  if (!site.index && !site.listings) return next(request)
  if (!request.slash) return redirect(request)
  if (site.index) {
    const index = await next(derive(request, { method: request.method, object: site.index }))
    if (index.status !== 404) return index.status < 300 ? index : errorPage(request, index, site, next)
  }
  return listing(request, '', site, next)
}

async function serveObject(request: SwiftRequest, site: Site, next: Handler): Promise<SwiftResponse> {
  const name = request.object!
  const found = await next(request)
  const isDirectory =
    found.status === 200 &&
    found.headers['content-type'] === site.directoryType &&
    Number(found.content?.size ?? 0) <= 1
  if (found.status !== 404 && !isDirectory) return found.status < 400 ? found : errorPage(request, found, site, next)
  if (!site.index && !site.listings) return errorPage(request, found, site, next)
  const folder = name.endsWith('/') ? name : `${name}/`
  if (site.index) {
    const index = await next(derive(request, { method: request.method, object: `${folder}${site.index}` }))
    if (index.status < 300) return name.endsWith('/') ? index : redirect(request)
  }
  const page = await listing(request, folder, site, next)
  return page.status < 300 && !name.endsWith('/') ? redirect(request) : page
}

function redirect(request: SwiftRequest): SwiftResponse {
  const path = [request.account, request.container, request.object]
    .filter((part) => part !== null)
    .map((part) => encodeURIComponent(part).replaceAll('%2F', '/'))
  return answer(301, { headers: { location: `${request.baseUrl}/v1/${path.join('/')}/` } })
}

async function listing(request: SwiftRequest, prefix: string, site: Site, next: Handler): Promise<SwiftResponse> {
  if (!site.listings) return errorPage(request, answer(404), site, next)
  const listed = await next(
    derive(request, {
      method: 'GET',
      object: null,
      query: { format: 'json', delimiter: '/', prefix },
      headers: { ...request.headers },
    }),
  )
  if (listed.status !== 200) return errorPage(request, listed, site, next)
  const lines = JSON.parse(listed.body as string) as WebLine[]
  if (lines.length === 0 && prefix !== '') return errorPage(request, answer(404), site, next)
  const label = site.label ?? `/v1/${request.account}/${request.container}/`
  const css =
    site.css === null || /^(https?:)?\//.test(site.css)
      ? site.css
      : `${'../'.repeat(prefix.split('/').length - 1)}${site.css}`
  const body = listingPage({ label, prefix, lines, css })
  return { status: 200, headers: { 'content-type': 'text/html; charset=UTF-8' }, body }
}

/** The site's own page for an error, with the error's status. */
async function errorPage(
  request: SwiftRequest,
  failed: SwiftResponse,
  site: Site,
  next: Handler,
): Promise<SwiftResponse> {
  if (!site.error) return failed
  const page = await next(derive(request, { method: 'GET', object: `${failed.status}${site.error}` }))
  if (page.status !== 200 || !page.content) return failed
  const headers = {
    ...failed.headers,
    'content-type': page.headers['content-type'] ?? 'text/html',
    'content-length': String(page.content.size ?? 0),
  }
  return { status: failed.status, headers, body: page.content.read(0, page.content.size ?? Number.MAX_SAFE_INTEGER) }
}
