import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { ConfigError, type ProxyHeaders, readConfig } from '@hearth/core'
import type { ReserveRule } from '@hearth/driver'
import type { HttpLimits } from '@hearth/http'
import type { SecurityCompliance, ThrottleSettings } from '@hearth/keystone'
import { configSchema } from './config-schema.ts'
import { readTlsConfig } from './tls-config.ts'

/** A driver package and its options. */
export interface PluginConfig {
  driver: string
  options: Record<string, unknown>
}

/** A storage backend: its volume driver, what offers its devices, and the host its commands run on. */
export interface BackendConfig extends PluginConfig {
  export: PluginConfig | null
  /** Nobody else keeps volumes on this storage: what the database does not know is removed. */
  exclusive: boolean
  /** Connections say that volumes understand discard. */
  reportDiscard: boolean
  /** Arguments of ssh up to and with the host that owns the storage; null for this host. */
  ssh: string[] | null
}

interface ListenerConfig {
  port: number
  publicUrl: string | null
  policyFile: string | null
  tls: CertificateFiles | null
}

/** PEM files. */
export interface CertificateFiles {
  certificate: string
  key: string
}

/** A Keystone that is not ours, and the service user to act as there. */
export interface ForeignIdentityConfig {
  authUrl: string
  username: string
  password: string
  projectName: string
  userDomainName: string
  projectDomainName: string
}

export interface Config {
  /** Absolute. */
  dataFolder: string
  host: string
  hostName: string
  region: string
  database: string
  bus: string
  /** Null: no TLS to the database server. */
  databaseTls: { authority: string | null } | null
  busTls: { authority: string | null } | null
  tls: { certificate: string | null; key: string | null; authority: string | null }
  /** Addresses and networks of proxies whose headers about the client are believed. */
  trustedProxies: string[]
  proxyHeaders: ProxyHeaders
  /** Host and port; null for the ports of the APIs, behind a token. */
  metrics: { address: string | null }
  /** Longest a stop may take. */
  stopSeconds: number
  log: {
    level: string
    /** Absolute, or `stdout`; null is the default place. */
    file: string | null
    maxMiB: number
    keep: number
  }
  /** What every disk keeps free. */
  reserve: ReserveRule
  /** Bounds of connections and requests to the identity, volume and image API. */
  http: HttpLimits
  identity: ListenerConfig & {
    tokenSeconds: number
    revocationLagSeconds: number
    securityCompliance: SecurityCompliance
    loginThrottle: ThrottleSettings
    foreign: ForeignIdentityConfig | null
  }
  volume: ListenerConfig & {
    availabilityZone: string
    sizeGiB: number | null
    portals: string[]
    backends: Record<string, BackendConfig> | null
    backup: PluginConfig | null
  }
  image: ListenerConfig & {
    stores: Record<string, PluginConfig> | null
    defaultStore: string | null
    /** Under the names of the image service's settings. */
    limits: Record<string, unknown>
  }
  /** What `hearth attach` attaches volumes of each `driver_volume_type` with, beside and before those it knows. */
  connectors: Record<string, PluginConfig>
  object: Omit<ListenerConfig, 'policyFile'> & {
    /** Seconds a client may pause. */
    clientTimeoutSeconds: number
    /** Bytes per second; 0 for no minimum. */
    minimumUploadRate: number
    replicas: number
    /** Folder of account.ring.gz, container.ring.gz and object.ring.gz of a cluster of several hosts. */
    rings: string | null
    storageTls: CertificateFiles | null
    /** Where the storage role of this host listens, as those rings name it. */
    storageAddress: string
    partitionPower: number
    devices: { path: string; zone: number; weight: number }[] | null
    audit: { bytesPerSecond: number; intervalHours: number; firstAfterSeconds: number }
  }
}

/** What tells clients of OpenStack whom to log in as, and where this user keeps things. */
export function clientEnvironment(): Record<string, string | undefined> {
  const isWanted = ([name]: [string, unknown]): boolean => name.startsWith('OS_') || name === 'HOME'
  return Object.fromEntries(Object.entries(process.env).filter(isWanted))
}

/** Not those that Kubernetes sets for a service named hearth, nor those of tests. */
function ownVariables(): Record<string, string | undefined> {
  const isForeign = (name: string): boolean =>
    name === 'HEARTH_CONFIG' || /^HEARTH_(TEST_\w+|SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_\w+)?)$/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name)))
}

/**
 * Reads `file` (else `HEARTH_CONFIG`, else ./hearth.yaml if there is one) and the `HEARTH_…` environment.
 * Relative folders are taken from the file's place. Throws ConfigError naming every wrong key.
 */
export function loadConfig(file?: string): Config {
  const named = file ?? process.env.HEARTH_CONFIG
  const path = resolve(named ?? 'hearth.yaml')
  if (named !== undefined && !existsSync(path)) throw new ConfigError([`${path}: there is no such file`])
  const source = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  const config = readConfig<Config>({
    schema: configSchema,
    text: source,
    file: source === undefined ? 'defaults' : path,
    env: ownVariables(),
    envPrefix: 'HEARTH',
  })
  const base = source === undefined ? process.cwd() : dirname(path)
  const absolute = (folder: string): string => (isAbsolute(folder) ? folder : join(base, folder))
  config.dataFolder = absolute(config.dataFolder)
  readTlsConfig(config, absolute)
  config.hostName ??= hostname()
  for (const part of ['identity', 'volume', 'image', 'object'] as const) {
    const section: Partial<ListenerConfig> = config[part]
    if (section.policyFile) section.policyFile = absolute(section.policyFile)
    if (section.publicUrl) section.publicUrl = section.publicUrl.replace(/\/+$/, '')
  }
  if (config.object.rings !== null) config.object.rings = absolute(config.object.rings)
  if (config.log.file !== null && config.log.file !== 'stdout') config.log.file = absolute(config.log.file)
  return config
}
