import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { ConfigError } from './config.ts'

/** Which headers the trusted proxies set: `X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded` (RFC 7239). */
export type ProxyHeaders = 'x-forwarded' | 'forwarded'

/** The proxies whose headers about the client are believed. */
export interface TrustedProxies {
  /** Returns true when the IP address is one of a trusted proxy. */
  trusts(address: string): boolean
  headers: ProxyHeaders
}

/** The sender of a request, and the URL under which it reached the first trusted proxy. */
interface Origin {
  /** IP address of the client; '' when the connection is gone. */
  address: string
  protocol: 'http' | 'https'
  /** Host and port that the client sent; null when they are no valid host (RFC 9112 3.2 asks for 400). */
  host: string | null
}

export const noProxies: TrustedProxies = { trusts: () => false, headers: 'x-forwarded' }

/**
 * Reads addresses and networks (`10.0.0.1`, `10.0.0.0/8`, `fd00::/8`). Throws ConfigError naming each entry that is
 * neither. One kind of header only: a proxy that sets one kind hands on what the client wrote into the other.
 */
export function openTrustedProxies(entries: readonly string[], headers: ProxyHeaders = 'x-forwarded'): TrustedProxies {
  return { headers, trusts: openNetworks(entries, 'trustedProxies') }
}

/**
 * Returns a function that returns true for an IP address that is one of `entries` or within one of their networks.
 * Throws ConfigError that names `key` and each entry that is neither an address nor a network.
 */
export function openNetworks(entries: readonly string[], key: string): (address: string) => boolean {
  const list = new BlockList()
  const wrong = entries.filter((entry) => !addTo(list, entry))
  if (wrong.length > 0)
    throw new ConfigError(wrong.map((entry) => `${key}: "${entry}" is no IP address and no network like 10.0.0.0/8`))
  return (address) => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function addTo(list: BlockList, entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  const type = family === 6 ? 'ipv6' : 'ipv4'
  if (bits === undefined) list.addAddress(address, type)
  else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
    list.addSubnet(address, Number(bits), type)
  else return false
  return true
}

const mostHops = 32

/**
 * The client of a request. Headers of proxies count only as far as the connection, and each hop before it, comes from a
 * trusted address; the first address that is not trusted is the client's.
 */
export function originOf(message: IncomingMessage, proxies: TrustedProxies): Origin {
  const { socket } = message
  const peer = plainAddress(socket.remoteAddress ?? '')
  const protocol = 'encrypted' in socket ? 'https' : 'http'
  const sent = message.headers.host ?? addressOf(socket.localAddress, socket.localPort)
  if (!proxies.trusts(peer)) return { address: peer, protocol, host: validHost(sent) }
  const told = proxies.headers === 'forwarded' ? readForwarded(message) : readXForwarded(message)
  return {
    address: clientOf(peer, told.addresses, proxies),
    protocol: told.protocol === 'https' || told.protocol === 'http' ? told.protocol : protocol,
    host: validHost(told.host ?? sent),
  }
}

/** IP address of the client of a request: for limits by address, rules by address and logs. */
export function clientAddress(message: IncomingMessage, proxies: TrustedProxies): string {
  return originOf(message, proxies).address
}

/** `scheme://host[:port]` as the client called us; null when its Host header is not valid. */
export function baseUrlOf(origin: Origin): string | null {
  return origin.host === null ? null : `${origin.protocol}://${origin.host}`
}

interface Told {
  /** The client first, the nearest proxy's peer last. */
  addresses: string[]
  protocol?: string | undefined
  host?: string | undefined
}

function readXForwarded({ headers }: IncomingMessage): Told {
  return {
    addresses: listOf(headers['x-forwarded-for']),
    protocol: listOf(headers['x-forwarded-proto']).at(-1)?.toLowerCase(),
    host: listOf(headers['x-forwarded-host']).at(-1),
  }
}

function readForwarded({ headers }: IncomingMessage): Told {
  const hops = listOf(headers.forwarded).map((hop) => {
    const pairs = hop.split(';').map((pair) => /^\s*(\w+)=("?)(.*)\2\s*$/.exec(pair))
    return new Map(pairs.filter((pair) => pair !== null).map(([, name, , value]) => [name!.toLowerCase(), value!]))
  })
  const last = hops.at(-1)
  return {
    addresses: hops.map((hop) => hop.get('for') ?? 'unknown'),
    protocol: last?.get('proto')?.toLowerCase(),
    host: last?.get('host'),
  }
}

function listOf(value: string | string[] | undefined): string[] {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '')
  const parts = text.split(',').map((part) => part.trim())
  return parts.filter((part) => part !== '').slice(-mostHops)
}

function clientOf(peer: string, addresses: string[], proxies: TrustedProxies): string {
  let client = peer
  for (const hop of addresses.toReversed()) {
    const address = plainAddress(hop)
    // A text that is no address (RFC 7239 allows "unknown") ends the chain: the last known proxy is the best result.
    if (isIP(address) === 0) return client
    client = address
    if (!proxies.trusts(address)) return client
  }
  return client
}

/** Without a port, brackets or the prefix of IPv4 in IPv6. */
function plainAddress(text: string): string {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
  return bare.replace(/^::ffff:(?=\d+\.)/i, '')
}

function addressOf(address: string | undefined, port: number | undefined): string {
  const host = plainAddress(address ?? '127.0.0.1')
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port ?? 80}`
}

/** A name, an IPv4 address or an IPv6 address in brackets, with or without a port. */
function validHost(host: string): string | null {
  return /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i.test(host) ? host : null
}
