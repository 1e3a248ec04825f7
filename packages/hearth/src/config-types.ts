import type { ProxyHeaders } from '@hearth/core'
import type { ReserveRule } from '@hearth/driver'
import type { HttpLimits } from '@hearth/http'
import type { SecurityCompliance, ThrottleSettings } from '@hearth/keystone'

/** A driver package and its options. */
export interface PluginConfig {
  driver: string
  options: Record<string, unknown>
}

/** A storage backend: its volume driver, what offers its devices, and the host its commands run on. */
export interface BackendConfig extends PluginConfig {
  export: PluginConfig | null
  /** True if only Hearth keeps volumes on this storage: orphans are removed. */
  exclusive: boolean
  /** True if connections report that volumes support discard. */
  reportDiscard: boolean
  /** Arguments of ssh up to and with the host that owns the storage; null for this host. */
  ssh: string[] | null
}

export interface ListenerConfig {
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
interface ForeignIdentityConfig {
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
  /** Addresses and networks of proxies whose headers about the client are trusted. */
  trustedProxies: string[]
  proxyHeaders: ProxyHeaders
  /** Host and port; null for the ports of the APIs, behind a token. */
  metrics: { address: string | null }
  /** Longest time that a stop may take. */
  stopSeconds: number
  log: {
    level: string
    /** Absolute, or `stdout`; null for the default path. */
    file: string | null
    maxMiB: number
    keep: number
  }
  /** Space kept free on every disk. */
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
  /** Connectors of `hearth attach` by `driver_volume_type`; they take precedence over the built-in ones. */
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

/** The four services by the names of their configuration sections. */
export type Part = 'identity' | 'volume' | 'image' | 'object'
