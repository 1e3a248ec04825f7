import { isIP } from 'node:net'
import { openNetworks, own } from '@hearth/core'

/** URLs that web-download may fetch. A non-empty list of allowed values replaces its list of disallowed ones. */
export interface UriFilter {
  allowedSchemes: readonly string[]
  disallowedSchemes: readonly string[]
  allowedHosts: readonly string[]
  disallowedHosts: readonly string[]
  allowedPorts: readonly number[]
  disallowedPorts: readonly number[]
  /** Networks of `neverFetched` that may be fetched from all the same. */
  allowedNetworks: readonly string[]
}

export const defaultUriFilter: UriFilter = {
  allowedSchemes: ['http', 'https'],
  disallowedSchemes: [],
  allowedHosts: [],
  disallowedHosts: [],
  allowedPorts: [80, 443],
  disallowedPorts: [],
  allowedNetworks: [],
}

/**
 * Addresses of this host, of its neighbours, and of the services that give clouds' machines their secrets (SSRF), from
 * the special-purpose registries of IANA (RFC 6890). Fetched only from hosts that the operator names, or allowed
 * networks.
 */
const neverFetched = openNetworks(
  [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
    ...['192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4'],
    ...[
      '::/128',
      '::1/128',
      '64:ff9b:1::/48',
      '100::/64',
      '2001::/32',
      'fc00::/7',
      'fe80::/10',
      'fec0::/10',
      'ff00::/8',
    ],
  ],
  'neverFetched',
)

/** Returns true if a URL that passed the filter may connect to this address. Called after name resolution. */
export function mayConnect(address: string, filter: UriFilter): boolean {
  if (filter.allowedHosts.length > 0) return true
  if (filter.disallowedHosts.map(normalHost).includes(normalHost(address))) return false
  const real = embeddedAddress(address) ?? address
  const allowed = openNetworks(filter.allowedNetworks, 'image.limits.uriFilter.allowedNetworks')
  return allowed(address) || allowed(real) || !(neverFetched(address) || neverFetched(real))
}

/** The IPv4 address that an IPv6 one stands for: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056). */
function embeddedAddress(address: string): string | null {
  if (isIP(address) !== 6) return null
  const groups = groupsOf(address)
  const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const lead = groups
    .slice(0, 6)
    .map((group) => group.toString(16))
    .join(':')
  if (['0:0:0:0:0:ffff', '0:0:0:0:0:0', '64:ff9b:0:0:0:0'].includes(lead)) return dotted(groups[6]!, groups[7]!)
  return groups[0] === 0x2002 ? dotted(groups[1]!, groups[2]!) : null
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [head = [], tail] = plain.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const zeros = tail ? Array.from({ length: 8 - head.length - tail.length }, () => '0') : []
  return [...head, ...zeros, ...(tail ?? [])].map((group) => Number.parseInt(group, 16))
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
