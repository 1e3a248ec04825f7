import { BlockList, isIP } from 'node:net'
import { own } from '@hearth/core'
import { answer, refuse, type SwiftResponse } from '../../../model/response.ts'
import type { ProxyDeps } from '../../deps.ts'
import { type Authorize, preauthorize, type SwiftRequest } from '../../request.ts'
import { digestCapability, isSigned } from '../digest.ts'
import type { Feature } from '../feature.ts'
import { signingKeys } from './keys.ts'

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']

/** URLs that allow one method on one object until a given time, without a token. */
export const tempUrl: Feature = {
  name: 'tempurl',
  capability: {
    methods,
    incoming_remove_headers: ['x-timestamp', 'x-open-expired'],
    incoming_allow_headers: [],
    outgoing_remove_headers: ['x-object-meta-*'],
    outgoing_allow_headers: ['x-object-meta-public-*'],
    ...digestCapability,
  },
  wrap: (next, deps) => async (request) => {
    const { temp_url_sig: signature, temp_url_expires: expires } = request.query
    if (signature === undefined && expires === undefined) return next(request)
    if (!methods.includes(request.method) || request.object === null || !signature || !expires) return invalid()
    const until = parseTime(expires)
    if (until === null || until <= Date.now() / 1000) return invalid()
    const authorize = await check(request, signature, until, deps)
    if (!authorize) return invalid()
    // Pointers to data that the signer did not mean to open.
    for (const name of ['x-object-manifest', 'x-symlink-target', 'x-copy-from', 'x-copy-from-account'])
      if (own(request.headers, name) !== undefined && ['PUT', 'POST'].includes(request.method))
        throw refuse(400, `The header '${name}' is not allowed in this tempurl`)
    const { 'x-timestamp': _timestamp, 'x-open-expired': _expired, ...headers } = request.headers
    return decorate(request, await next({ ...preauthorize(request, authorize), headers }), until)
  },
}

const invalid = (): SwiftResponse =>
  answer(401, {
    text: '401 Unauthorized: Temp URL invalid\n',
    headers: { 'www-authenticate': 'Swift realm="unknown"' },
  })

/** Seconds since the epoch, or an ISO time in UTC. */
function parseTime(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text)
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d{4}|[+-]\d\d:\d\d)?)?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  return Number.isNaN(time) ? null : Math.floor(time / 1000)
}

/** Returns the scope of the signer's key: the account, or one container of it. Null when no key signed the URL. */
async function check(
  request: SwiftRequest,
  signature: string,
  until: number,
  deps: ProxyDeps,
): Promise<Authorize | null> {
  const { account, container, object, query } = request
  const prefix = query.temp_url_prefix
  if (prefix !== undefined && !object!.startsWith(prefix)) return null
  const path =
    prefix === undefined ? `/v1/${account}/${container}/${object}` : `prefix:/v1/${account}/${container}/${prefix}`
  const range = query.temp_url_ip_range
  if (range !== undefined && !isWithin(range, request.clientAddress)) return null
  const keys = await signingKeys(request, deps)
  const allowed = request.method === 'HEAD' ? ['HEAD', 'GET', 'PUT', 'POST'] : [request.method]
  const signs = (some: string[]) =>
    allowed.some((method) =>
      isSigned(`${range === undefined ? '' : `ip=${range}\n`}${method}\n${until}\n${path}`, signature, some),
    )
  const byAccount = signs(keys.account)
  if (!byAccount && !signs(keys.container)) return null
  return (asked) => (asked.account === account && (byAccount || asked.container === container) ? null : invalid())
}

/**
 * Returns true if an address is in a network such as `10.1.0.0/16`, or equals the given address. False for an invalid
 * network.
 */
export function isWithin(range: string, address: string): boolean {
  const [base = '', bits, ...more] = range.split('/')
  const family = isIP(base)
  const most = family === 4 ? 32 : 128
  if (family === 0 || more.length > 0 || isIP(address) !== family) return false
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most)) return false
  const network = new BlockList()
  network.addSubnet(base, Number(bits ?? most), family === 4 ? 'ipv4' : 'ipv6')
  return network.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** Hides private metadata and names the file for the browser. */
function decorate(request: SwiftRequest, response: SwiftResponse, until: number): SwiftResponse {
  const headers = Object.fromEntries(
    Object.entries(response.headers).filter(
      ([name]) => !name.startsWith('x-object-meta-') || name.startsWith('x-object-meta-public-'),
    ),
  )
  if (['GET', 'HEAD'].includes(request.method) && response.status < 300) {
    headers['content-disposition'] = disposition(request, headers['content-disposition'])
    headers.expires = new Date(until * 1000).toUTCString()
  }
  return { ...response, headers }
}

function disposition(request: SwiftRequest, stored: string | undefined): string {
  const { filename, inline } = request.query
  if (inline !== undefined && filename === undefined) return stored?.startsWith('inline') ? stored : 'inline'
  if (filename === undefined && stored !== undefined) return stored
  const name = (filename ?? request.object!.replace(/\/+$/, '').split('/').pop() ?? '').replace(/["\r\n]/g, (letter) =>
    encodeURIComponent(letter),
  )
  return `${inline === undefined ? 'attachment' : 'inline'}; filename="${name}"; filename*=UTF-8''${encodeURIComponent(name)}`
}
