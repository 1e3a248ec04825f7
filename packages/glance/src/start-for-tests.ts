import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type Identity, openMetrics, silentLog } from '@hearth/core'
import { type Database, migrate, openDatabase } from '@hearth/database'
import { DriverError, type ImageStore } from '@hearth/driver'
import { Agent } from 'undici'
import { migrations } from '../migrations/index.ts'
import { type ApiOptions, api } from './api/role.ts'

/** A store of plain files that is full after `capacity` bytes. */
interface FolderStore extends ImageStore {
  files(): Promise<string[]>
  capacity: number
  /** Set: every deletion fails with this kind. */
  refuse: 'busy' | 'unavailable' | null
}

/** Opens a store that keeps images as files of a folder and fails on command. */
async function openFolderStore(folder: string): Promise<FolderStore> {
  await mkdir(folder, { recursive: true })
  const pathOf = (location: string) => join(folder, location.replace('folder://', ''))
  const store: FolderStore = {
    capacity: Number.POSITIVE_INFINITY,
    refuse: null,
    files: () => readdir(folder),
    async add(imageId, data, sizeHint) {
      const file = await open(pathOf(imageId), 'w')
      let size = 0
      try {
        for await (const chunk of data as AsyncIterable<Buffer>) {
          size += chunk.length
          if (size > store.capacity) throw new DriverError('no-space', 'the folder is full')
          await file.write(chunk)
          // Some stores end when they have the declared number of bytes.
          if (size === sizeHint) break
        }
      } finally {
        await file.close()
      }
      return { location: `folder://${imageId}`, size }
    },
    async get(location, range): Promise<Readable> {
      const path = pathOf(location)
      await stat(path).catch(() => {
        throw new DriverError('not-found', `${location} is not there`)
      })
      return createReadStream(path, range ? { start: range.offset, end: range.offset + range.length - 1 } : {})
    },
    async delete(location) {
      if (store.refuse) throw new DriverError(store.refuse, 'it has clones')
      await rm(pathOf(location), { force: true })
    },
    async purge(imageId) {
      if (store.refuse === 'unavailable') throw new DriverError('unavailable', 'the folder is not mounted')
      await rm(pathOf(imageId), { force: true })
    },
  }
  return store
}

const base: Identity = {
  userId: 'u',
  userName: 'user',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: null,
  projectName: null,
  projectDomainId: 'default',
  projectDomainName: 'Default',
  domainId: null,
  domainName: null,
  system: false,
  roles: ['member', 'reader'],
  methods: ['password'],
  auditIds: ['a'],
  issuedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
  appCredentialId: null,
  accessRules: null,
}

/** Tokens: `<project>` is a member there, `<project>+<role>…` has these roles. */
const authenticator: ApiOptions['authenticator'] = {
  async authenticate(token) {
    const [projectId, ...roles] = token.split('+')
    if (!projectId || projectId === 'nobody') return null
    const expanded = roles.includes('admin') ? ['admin', 'member', 'reader'] : roles
    return { ...base, userId: `user-${projectId}`, projectId, roles: roles.length > 0 ? expanded : base.roles }
  },
  close: async () => undefined,
}

export interface TestService {
  url: string
  folder: string
  database: Database
  stores: { main: FolderStore; spare: FolderStore }
  /** A request as `token`; a body that is no string, Buffer or stream is sent as JSON. */
  call(token: string, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  /** As `call`, and the JSON of a success; throws with the status otherwise. */
  json(token: string, method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  /** Creates an image and returns its id. */
  image(token: string, more?: object): Promise<string>
  /** Ends the service and starts it again on the same data. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Starts the API in this process, with an SQLite database in memory and folder stores. */
export async function startForTests(options: Partial<ApiOptions> = {}): Promise<TestService> {
  const folder = await mkdtemp(join(tmpdir(), 'glance-'))
  const database = await openDatabase('sqlite::memory:')
  await migrate(database, 'glance', migrations)
  const stores = {
    main: await openFolderStore(join(folder, 'main')),
    spare: await openFolderStore(join(folder, 'spare')),
  }
  const entries = Object.entries(stores).map(([id, store]) => ({ id, store, default: id === 'main', type: 'file' }))
  const start = () =>
    api({ ...fixed(), database, workFolder: join(folder, 'work'), stores: entries, worker: 'tests', ...options })
  let running = await start()
  // Responses that a test does not read would keep their connections open, and closing waits for those.
  let agent = new Agent()
  const stop = async () => {
    await agent.destroy()
    agent = new Agent()
    await running.close()
  }
  const service: TestService = {
    url: running.url!,
    folder,
    database,
    stores,
    call: (...request) => callService(service.url, agent, ...request),
    async json(token, method, path, body) {
      const response = await service.call(token, method, path, body)
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as Record<string, unknown>
    },
    async image(token, more = {}) {
      const body = { name: 'disk', container_format: 'bare', disk_format: 'raw', ...more }
      return String((await service.json(token, 'POST', '/v2/images', body)).id)
    },
    async restart() {
      await stop()
      running = await start()
      service.url = running.url!
    },
    async close() {
      await stop()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return service
}

const fixed = () => ({ host: '127.0.0.1', port: 0, log: silentLog, metrics: openMetrics(), authenticator })

function callService(
  url: string,
  dispatcher: Agent,
  token: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
  const type = raw ? 'application/octet-stream' : 'application/json'
  return fetch(url + path, {
    method,
    dispatcher,
    headers: { 'x-auth-token': token, ...(body === undefined ? {} : { 'content-type': type }), ...headers },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body), duplex: 'half' }),
  } as RequestInit)
}
