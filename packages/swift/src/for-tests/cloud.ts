import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Authenticator } from '@hearth/auth'
import { type Identity, silentLog } from '@hearth/core'
import { type KeepersOptions, keepers, openStorage, type ProxyOptions, proxy, type StorageOptions } from '../index.ts'

/**
 * Returns the identity of a test token `<user>[:<roles>[:<domain>]]`, scoped to project `<user>-project`; default:
 * member of `default`.
 */
function identityOf(token: string): Identity | null {
  const [user, roles = 'member', domain = 'default'] = token.split(':')
  if (!user || user === 'nobody') return null
  return {
    userId: `${user}-id`,
    userName: user,
    userDomainId: domain,
    userDomainName: 'Default',
    projectId: `${user}-project`,
    projectName: `${user}-project-name`,
    projectDomainId: domain,
    projectDomainName: 'Default',
    domainId: null,
    domainName: null,
    system: false,
    roles: roles.split(','),
    methods: ['password'],
    auditIds: ['x'],
    issuedAt: Date.now(),
    expiresAt: Date.now() + 3_600_000,
    appCredentialId: null,
    accessRules: null,
  }
}

const authenticator: Authenticator = { authenticate: async (token) => identityOf(token), close: async () => undefined }

export interface Cloud {
  url: string
  folder: string
  storage: Awaited<ReturnType<typeof openStorage>>
  /** A request below `/v1/AUTH_<user>-project`, as that user unless headers say otherwise. */
  call(method: string, path: string, options?: CallOptions): Promise<Response>
  close(): Promise<void>
}

export interface CallOptions {
  user?: string | null
  account?: string
  headers?: Record<string, string>
  body?: string | Uint8Array | ReadableStream
}

interface CloudOptions {
  folder?: string
  devices?: StorageOptions['devices']
  storage?: Partial<StorageOptions>
  proxy?: Partial<ProxyOptions>
  keepers?: Partial<KeepersOptions> | false
}

/** Starts devices, proxy and keepers in this process, in a temporary folder, on a free port. */
export async function openCloud(options: CloudOptions = {}): Promise<Cloud> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'swift-')))
  const devices = options.devices ?? ['sd1', 'sd2', 'sd3'].map((id) => ({ id, path: join(folder, id) }))
  const storage = await openStorage({
    ...{ dataFolder: folder, devices, log: silentLog },
    ...{ salt: { prefix: '', suffix: 'test' }, secret: 'test', ...options.storage },
  })
  const front = await proxy({ host: '127.0.0.1', port: 0, log: silentLog, authenticator, storage, ...options.proxy })
  const background = options.keepers === false ? null : await keepers({ storage, log: silentLog, ...options.keepers })
  return {
    url: front.url!,
    folder,
    storage,
    call: (method, path, call = {}) => callProxy(front.url!, method, path, call),
    async close() {
      await front.close()
      await background?.close()
      await storage.close()
      if (!options.folder) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Sends a request below `/v1/<account>`, as a user of its own account unless the options say otherwise. */
function callProxy(url: string, method: string, path: string, options: CallOptions): Promise<Response> {
  const user = options.user === undefined ? 'ann' : options.user
  const account = options.account ?? `AUTH_${(user ?? 'ann').split(':')[0]}-project`
  const headers = { ...(user === null ? {} : { 'x-auth-token': user }), ...options.headers }
  const body = options.body === undefined ? {} : { body: options.body, duplex: 'half' }
  return fetch(`${url}/v1/${account}${path}`, { method, headers, redirect: 'manual', ...body } as RequestInit)
}
