import { isIP } from 'node:net'

/** What web-download may fetch; a non-empty list of allowed things overrides its list of disallowed ones. */
export interface UriFilter {
  allowedSchemes: readonly string[]
  disallowedSchemes: readonly string[]
  allowedHosts: readonly string[]
  disallowedHosts: readonly string[]
  allowedPorts: readonly number[]
  disallowedPorts: readonly number[]
}

export const defaultUriFilter: UriFilter = {
  allowedSchemes: ['http', 'https'],
  disallowedSchemes: [],
  allowedHosts: [],
  disallowedHosts: [],
  allowedPorts: [80, 443],
  disallowedPorts: [],
}

const defaultPorts: Record<string, number> = { http: 80, https: 443 }

/**
 * True when a URL may be fetched. Hosts are compared in their normal form, and one whose spelling hides an address
 * (octal, hexadecimal, short or whole-number IPv4; a port or user info that tricks) is refused outright.
 */
export function mayFetch(uri: string, filter: UriFilter): boolean {
  if (!URL.canParse(uri)) return false
  const url = new URL(uri)
  const scheme = url.protocol.slice(0, -1)
  const port = url.port === '' ? defaultPorts[scheme] : Number(url.port)
  const host = normalHost(url.hostname)
  if (host === '' || url.username !== '' || url.password !== '' || isDisguised(uri, url)) return false
  return (
    passes(scheme, filter.allowedSchemes, filter.disallowedSchemes) &&
    passes(host, filter.allowedHosts.map(normalHost), filter.disallowedHosts.map(normalHost)) &&
    port !== undefined &&
    passes(port, filter.allowedPorts, filter.disallowedPorts)
  )
}

function passes<T>(value: T, allowed: readonly T[], disallowed: readonly T[]): boolean {
  if (allowed.length > 0) return allowed.includes(value)
  return !disallowed.includes(value)
}

function normalHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\[(.*)\]$/, '$1')
}

/** An IPv4 address that was not written as one. */
function isDisguised(uri: string, url: URL): boolean {
  if (isIP(url.hostname) !== 4) return false
  const written = /^[a-z][a-z0-9+.-]*:[\\/]*([^/?#\\]*)/i.exec(uri.trim())?.[1] ?? ''
  return written.replace(/:\d*$/, '') !== url.hostname
}
