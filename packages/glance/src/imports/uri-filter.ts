import { BlockList, isIP } from 'node:net'
import { own } from '@hearth/core'

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

/** Where clouds keep the secrets of their machines; never fetched unless the operator names the host. */
const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addSubnet('::ffff:169.254.0.0', 112, 'ipv6')
linkLocal.addSubnet('fe80::', 10, 'ipv6')

/** True when a connection to this address may be made for a URL that has passed the filter: asked after name resolution. */
export function mayConnect(address: string, filter: UriFilter): boolean {
  if (filter.allowedHosts.length > 0) return true
  if (linkLocal.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return false
  return !filter.disallowedHosts.map(normalHost).includes(normalHost(address))
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
  const port = url.port === '' ? own(defaultPorts, scheme) : Number(url.port)
  const host = normalHost(url.hostname)
  if (host === '' || url.username !== '' || url.password !== '' || isDisguised(uri, url)) return false
  if (isIP(host) !== 0 && !mayConnect(host, filter)) return false
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
