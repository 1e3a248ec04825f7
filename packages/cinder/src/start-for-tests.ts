import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openBus } from '@hearth/bus'
import { type Identity, openMetrics, own, type Running, silentLog, uuid } from '@hearth/core'
import { type Database, migrate, openDatabase } from '@hearth/database'
import { type DriverDeps, type ExportDriver, openDriver, openRunner, type VolumeDriver } from '@hearth/driver'
import { migrations } from '../migrations/index.ts'
import { startApi } from './api/role.ts'
import type { Backend } from './model/backends.ts'
import { startScheduler } from './scheduler/role.ts'
import { startVolume } from './volume/role.ts'

/** Block storage on the memory drivers, with a client for its HTTP API; for tests. */
export interface TestCinder {
  url: string
  database: Database
  volume: VolumeDriver
  exporter: ExportDriver
  backend: Backend
  /** `token` is `admin`, `member`, `reader` or `other` (a member of another project). */
  ask(method: string, path: string, body?: unknown, options?: AskOptions): Promise<TestResponse>
  /** Repeats GET until `path` has `status` (or returns 404 for `gone`) and returns the item. Throws after a minute. */
  wait(path: string, status: string): Promise<Record<string, unknown>>
  /** Opens another bus connection for a role that the test starts; the test closes it. */
  newBus(): Promise<Bus>
  /** Restarts the volume role only. */
  restartVolume(): Promise<void>
  close(): Promise<void>
}

interface AskOptions {
  token?: string
  version?: string
  headers?: Record<string, string>
}

interface TestResponse {
  status: number
  headers: Headers
  // Response bodies have any shape.
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what tests assert
  body: any
}

export const project = '11111111111111111111111111111111'
const roles: Record<string, string[]> = {
  admin: ['admin', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  other: ['member', 'reader'],
  service: ['service', 'admin', 'member', 'reader'],
}

function identityOf(token: string): Identity | null {
  const names = own(roles, token)
  if (!names) return null
  const projectId = token === 'other' ? '22222222222222222222222222222222' : project
  return {
    userId: '33333333333333333333333333333333',
    userName: token,
    userDomainId: 'default',
    userDomainName: 'Default',
    projectId,
    projectName: token,
    projectDomainId: 'default',
    projectDomainName: 'Default',
    domainId: null,
    domainName: null,
    system: false,
    roles: names,
    methods: ['password'],
    auditIds: [],
    issuedAt: Date.now(),
    expiresAt: Date.now() + 3_600_000,
    appCredentialId: null,
    accessRules: null,
  }
}

interface TestOptions {
  /** Package of the volume driver; the memory driver when absent. */
  driver?: string
  /** Options of the volume driver. */
  volume?: Record<string, unknown>
  glanceUrl?: string
  /** More backends of this host, served by the same volume role. */
  backends?: Backend[]
}

/** Starts the API, the scheduler and the volume role of one backend in this process, on a new SQLite database. */
export async function startTestCinder(options: TestOptions = {}): Promise<TestCinder> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-cinder-'))
  const database = await openDatabase(`sqlite:${join(folder, 'cinder.db')}`)
  await migrate(database, 'cinder', migrations)
  const log = silentLog
  const busUrl = `memory:${uuid()}`
  const newBus = () => openBus(busUrl, { database, log, service: 'cinder' })
  const bus = await newBus()
  const deps: DriverDeps = { run: openRunner({ log }), log }
  const volumeOptions = { folder: join(folder, 'volumes'), ...options.volume }
  const volume = await openDriver('volume', options.driver ?? '@hearth/driver-memory', volumeOptions, deps)
  const exporter = await openDriver('export', '@hearth/driver-memory', {}, deps)
  const session = { token: async () => 'service', endpoint: async () => '', projectId: async () => project }
  const onlyBackend: Backend = { name: 'memory', host: 'host1@memory', volume, export: exporter, isExclusive: true }
  const shared = { database, bus, log, session, ...(options.glanceUrl && { glanceUrl: options.glanceUrl }) }
  // The volume role has its own bus, as in a process of its own: closing the bus removes its handlers.
  const volumeRole = async (): Promise<Running> => {
    const own = await newBus()
    const backends = [onlyBackend, ...(options.backends ?? [])]
    const role = { ...shared, bus: own, hostName: 'host1', backends, workFolder: join(folder, 'work') }
    const started = await startVolume(role)
    return { close: () => started.close().then(() => own.close()) }
  }
  const running: Running[] = [await startScheduler({ ...shared, hostName: 'host1' })]
  let backend = await volumeRole()
  const authenticator = { authenticate: async (token: string) => identityOf(token), close: async () => undefined }
  const api = await startApi({ ...shared, host: '127.0.0.1', port: 0, metrics: openMetrics(), authenticator })
  running.push(api)
  const ask = asker(api.url!)
  return {
    url: api.url!,
    database,
    volume,
    exporter,
    backend: onlyBackend,
    ask,
    wait: waiter(ask),
    newBus,
    async restartVolume() {
      await backend.close()
      backend = await volumeRole()
    },
    async close() {
      for (const one of [...running.reverse(), backend]) await one.close()
      await bus.close()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function asker(url: string): TestCinder['ask'] {
  return async (method, path, body, { token = 'member', version, headers = {} } = {}) => {
    const all: Record<string, string> = { 'x-auth-token': token, ...headers }
    if (version !== undefined) all['openstack-api-version'] = `volume ${version}`
    if (body !== undefined) all['content-type'] = 'application/json'
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${url}/v3${path}`, {
      method,
      headers: all,
      ...(text !== undefined && { body: text }),
    })
    const answer = await response.text()
    return { status: response.status, headers: response.headers, body: answer === '' ? null : JSON.parse(answer) }
  }
}

function waiter(ask: TestCinder['ask']): TestCinder['wait'] {
  return async (path, status) => {
    const end = Date.now() + 60_000
    for (;;) {
      const { status: code, body } = await ask('GET', path, undefined, { token: 'admin', version: '3.71' })
      if (code === 404 && status === 'gone') return {}
      const [item] = code === 200 ? (Object.values(body) as Record<string, unknown>[]) : []
      if (item?.status === status) return item
      if (Date.now() > end) throw new Error(`${path} is ${code} ${item?.status}, not ${status}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
