import { join } from 'node:path'
import {
  type Authenticator,
  openForeignAuthenticator,
  openLocalAuthenticator,
  openRemoteAuthenticator,
  openServiceSession,
  type ServiceSession,
  type TokenSource,
} from '@hearth/auth'
import { type Bus, openBus } from '@hearth/bus'
import {
  type LogFile,
  type Logger,
  openLog,
  openLogFile,
  openMetrics,
  openTrustedProxies,
  type Registry,
  type TrustedProxies,
} from '@hearth/core'
import { type Database, openDatabase } from '@hearth/database'
import { openReserve, openRunner, type Reserve, type Runner } from '@hearth/driver'
import { type Certificates, openCertificates } from './certificates.ts'
import { busCheck, databaseCheck, diskCheck } from './checks.ts'
import type { Config } from './config-types.ts'
import { type Folders, makeFolders } from './folders.ts'
import { type Health, openHealth } from './health.ts'
import { once } from './once.ts'
import type { SecretName, Secrets } from './secrets.ts'
import { connecting } from './tls-config.ts'
import { identityUrl } from './urls.ts'

export type ServiceUser = 'cinder' | 'glance' | 'swift'

/** Resources that the roles of one process share. Each is opened at its first use and closed at the end. */
export interface Shared {
  config: Config
  folders: Folders
  /** Roles that this process runs; none before startSuite. */
  roles: string[]
  /** Those that the roles of this process need; none before startSuite has read them. */
  secrets: Secrets
  /** Those that were changed since keystone.api has given them to the users. */
  changedSecrets: SecretName[]
  log: Logger
  logFile: LogFile
  metrics: Registry
  /** Opens `/metrics` of the APIs; undefined where the metrics have an address of their own. */
  readonly metricsToken: string | undefined
  /** The proxies in front of the APIs. */
  proxies: TrustedProxies
  certificates: Certificates
  run: Runner
  /** Space that every disk keeps free. */
  reserve: Reserve
  database(service: string): Promise<Database>
  bus(service: string): Promise<Bus>
  /** Service user whose login checks tokens when the identity service is elsewhere; the first one named is used. */
  authenticator(user: ServiceUser): Promise<Authenticator>
  session(user: ServiceUser): ServiceSession
  /** Handed over by the identity part, so that others verify tokens without asking. */
  tokenSource: TokenSource | null
  /** Keeps something for the person who starts the suite to read. */
  warn(text: string): void
  warnings: string[]
  health: Health
  /** Runs at the end, newest first. */
  onClose(step: () => Promise<unknown>): void
  close(): Promise<void>
}

/** Opens the shared resources of a process; none of them is in use yet. */
export function openShared(config: Config): Shared {
  const folders = makeFolders(config.dataFolder)
  const logFile = openSuiteLog(config, folders)
  const log = openLog({ level: config.log.level, destination: logFile })
  const { onClose, close, closed } = openClosing(log)
  const health = openHealth()
  health.add(diskCheck(config.dataFolder))
  const warnings: string[] = []
  let authenticator: Promise<Authenticator> | null = null
  const shared: Shared = {
    roles: [],
    config,
    folders,
    secrets: {} as Secrets,
    changedSecrets: [],
    log,
    logFile,
    metrics: openMetrics(),
    get metricsToken() {
      return config.metrics.address === null ? shared.secrets.metrics : undefined
    },
    proxies: openTrustedProxies(config.trustedProxies, config.proxyHeaders),
    certificates: openCertificates(config, log, onClose),
    run: openRunner({ log }),
    reserve: openReserve(config.reserve),
    database: once((service: string) =>
      closed(databaseOf(config, folders, service), (database) => health.add(databaseCheck(service, database))),
    ),
    bus: once((service: string) => closed(busOf(shared, service), (bus) => health.add(busCheck(service, bus)))),
    authenticator(user) {
      authenticator ??= closed(openAuthenticator(shared, user))
      return authenticator
    },
    session: once((user: ServiceUser) => openServiceSession(sessionOptions(config, shared.secrets, user))),
    tokenSource: null,
    warnings,
    warn(text) {
      if (!warnings.includes(text)) warnings.push(text)
    },
    health,
    onClose,
    close,
  }
  return shared
}

function databaseOf(config: Config, folders: Folders, service: string): Promise<Database> {
  return connecting(config, 'database', (tls) => openDatabase(databaseUrl(config, folders, service), { tls }))
}

async function busOf({ config, log, database }: Shared, service: string): Promise<Bus> {
  const outbox = await database(service)
  return connecting(config, 'bus', (tls) => openBus(config.bus, { database: outbox, log, service, tls }))
}

/** Steps to run at the end, newest first; one that fails keeps no other from running. */
function openClosing(log: Logger): Closing {
  const steps: (() => Promise<unknown>)[] = []
  const onClose: Shared['onClose'] = (step) => void steps.push(step)
  return {
    onClose,
    async close() {
      for (const step of steps.splice(0).reverse())
        await step().catch((error: unknown) => log.warn({ err: error }, 'closing failed'))
    },
    async closed(opening, then) {
      const opened = await opening
      onClose(() => opened.close())
      then?.(opened)
      return opened
    },
  }
}

interface Closing extends Pick<Shared, 'onClose' | 'close'> {
  /** Opens a resource that is closed at the end. Calls `then` when it is open. */
  closed<T extends { close(): Promise<unknown> }>(opening: Promise<T>, then?: (opened: T) => void): Promise<T>
}

function openSuiteLog(config: Config, folders: Folders): LogFile {
  const { file, maxMiB, keep } = config.log
  return openLogFile({ file: file ?? join(folders.log, 'hearth.log'), maxBytes: maxMiB * 2 ** 20, keep })
}

function databaseUrl(config: Config, folders: Folders, service: string): string {
  return config.database === 'sqlite:' ? `sqlite:${join(folders.database, `${service}.db`)}` : config.database
}

async function openAuthenticator(shared: Shared, user: ServiceUser): Promise<Authenticator> {
  const { config, log, tokenSource } = shared
  const maxLagMs = config.identity.revocationLagSeconds * 1000
  if (tokenSource) return openLocalAuthenticator(tokenSource, maxLagMs)
  const authUrl = identityUrl(config)
  const session = shared.session(user)
  if (config.identity.foreign) return openForeignAuthenticator({ authUrl, session })
  return openRemoteAuthenticator({ authUrl, session, log, maxLagMs })
}

function sessionOptions(config: Config, secrets: Secrets, user: ServiceUser): Parameters<typeof openServiceSession>[0] {
  const foreign = config.identity.foreign
  if (foreign) return { ...foreign, region: config.region }
  const authUrl = identityUrl(config)
  return { authUrl, username: user, password: secrets[user], projectName: 'service', region: config.region }
}
