import type { Authenticator } from '@hearth/auth'
import type { Certificate, Logger, Readiness, Registry, Running, TrustedProxies } from '@hearth/core'
import { type KeepersOptions, openKeepers } from './keepers/open.ts'
import type { Storage } from './placement/open-storage.ts'
import { defaultPace } from './proxy/client-pace.ts'
import type { ProxyDeps } from './proxy/deps.ts'
import { defaultLimits, type Limits } from './proxy/limits.ts'
import { openServer } from './proxy/server.ts'
import { openStorageServer } from './storage/network/server.ts'

export type { KeepersOptions } from './keepers/open.ts'
export {
  openStorage,
  recordsOf,
  type Storage,
  type StorageOptions,
} from './placement/open-storage.ts'
export { observeDevices } from './storage/device/observe.ts'
export { type DeviceRequest, leaveRequest } from './storage/device/requests.ts'
export type { DeviceState } from './storage/device/state-file.ts'
export { readDeviceStates } from './storage/device/state-file.ts'

export interface ProxyOptions {
  host: string
  port: number
  /** Base URL in responses; default: the URL that the client called. */
  publicUrl?: string
  /** Proxies whose headers about the client are trusted; default: none. */
  proxies?: TrustedProxies
  /** Serves HTTPS with it; plain HTTP when absent. */
  certificate?: Certificate
  log: Logger
  metrics?: Registry
  /** Bearer token that `/metrics` asks for; without one the path does not exist. */
  metricsToken?: string
  /** Asked by /healthcheck?ready. */
  readiness?: Readiness
  authenticator: Authenticator
  /** Named in the WWW-Authenticate header of a 401. */
  authUrl?: string
  storage: Storage
  limits?: Partial<Limits>
  /** Name of the storage policy; `Policy-0` when absent. */
  policyName?: string
  /** Roles that own their project's account; admin, swiftoperator and member when absent. */
  operatorRoles?: string[]
  resellerAdminRole?: string
  accountPrefix?: string
  allowAccountManagement?: boolean
  /** Seconds for which a client may pause while it sends or reads; 60 when absent, as Swift's client_timeout. */
  clientTimeoutSeconds?: number
  /** Bytes per second below which an upload is given up; 1024 when absent, 0 for none. */
  minimumUploadRate?: number
  /** Connections at once; more are closed. No bound when absent. */
  maxConnections?: number
}

interface StorageRoleOptions {
  host: string
  port: number
  log: Logger
  storage: Storage
}

/** Swift's API. The storage is the caller's to close. */
export async function proxy(options: ProxyOptions): Promise<Running> {
  const deps: ProxyDeps = {
    cluster: options.storage.cluster,
    authenticator: options.authenticator,
    timestamps: options.storage.timestamps,
    limits: { ...defaultLimits, ...options.limits },
    policyName: options.policyName ?? 'Policy-0',
    operatorRoles: options.operatorRoles ?? ['admin', 'swiftoperator', 'member'],
    resellerAdminRole: options.resellerAdminRole ?? 'ResellerAdmin',
    accountPrefix: options.accountPrefix ?? 'AUTH_',
    allowAccountManagement: options.allowAccountManagement ?? false,
    authUrl: options.authUrl ?? '',
    capabilities: {},
    log: options.log,
  }
  const { host, port, publicUrl, proxies, certificate, log, metrics, metricsToken, readiness, maxConnections } = options
  const listener = {
    host,
    port,
    publicUrl,
    proxies,
    certificate,
    log,
    metrics,
    metricsToken,
    readiness,
    maxConnections,
  }
  const pace = {
    timeoutMs: (options.clientTimeoutSeconds ?? defaultPace.timeoutMs / 1000) * 1000,
    bytesPerSecond: options.minimumUploadRate ?? defaultPace.bytesPerSecond,
  }
  return openServer(deps, { ...listener, pace })
}

/** The devices of this process, for proxies and keepers on other hosts. */
export async function storage(options: StorageRoleOptions): Promise<Running> {
  const { host, port, log } = options
  const { secret, identity: cluster, devices, latest, certificate } = options.storage
  return openStorageServer({ host, port, log, secret, cluster, devices, latest, certificate })
}

/** Background work on the devices of this process. */
export async function keepers(options: KeepersOptions): Promise<Running> {
  return openKeepers(options)
}

export const roles = { proxy, storage, keepers }
