import { identityRoot } from '@hearth/auth'
import type { Config, Part } from './config-types.ts'
import { certificateFiles } from './tls-config.ts'

/**
 * Returns the URL at which clients reach a service: its publicUrl, else host and port, with loopback for an address
 * that means "all".
 */
export function partUrl(config: Config, part: Part): string {
  const { publicUrl, port } = config[part]
  if (publicUrl) return publicUrl
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host
  const scheme = certificateFiles(config, part) ? 'https' : 'http'
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Root of the identity service in use, ours or a foreign one. */
export function identityUrl(config: Config): string {
  const { foreign } = config.identity
  return foreign ? identityRoot(foreign.authUrl) : partUrl(config, 'identity')
}

/** `10.0.0.1:6200` or `[::1]:6200` as IP address or name, and port. */
export function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
