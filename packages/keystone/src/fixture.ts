import { openMetrics, silentLog } from '@hearth/core'
import { type Database, migrate, openDatabase } from '@hearth/database'
import { migrations } from '../migrations/index.ts'
import { type ApiOptions, openApi } from './api/role.ts'
import { type BootstrapInput, bootstrap } from './model/bootstrap/bootstrap.ts'
import { openTokenSource } from './model/tokens/source.ts'

interface TestResponse {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  body: any
}

export interface TestIdentity {
  url: string
  database: Database
  /** Logs in by password and returns the token; by default as admin in project admin. */
  login(user?: string, password?: string, scope?: unknown): Promise<string>
  call(
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: object },
  ): Promise<TestResponse>
  close(): Promise<void>
}

export const bootstrapInput: BootstrapInput = {
  passwords: { admin: 'secret-a', demo: 'secret-d', cinder: 'secret-c', glance: 'secret-g', swift: 'secret-s' },
  urls: {
    identity: 'http://127.0.0.1:5000/v3',
    image: 'http://127.0.0.1:9292',
    object: 'http://127.0.0.1:8080/v1/AUTH_%(project_id)s',
    volume: 'http://127.0.0.1:8776/v3/%(project_id)s',
  },
}

export const defaultDomain = { id: 'default' }
/** Returns the scope of a project of the default domain. */
export const projectScope = (name: string) => ({ project: { name, domain: defaultDomain } })

/** Returns the body of a log-in by password. */
export function passwordAuth(name: string, password: string, scope?: unknown): object {
  const identity = { methods: ['password'], password: { user: { name, domain: defaultDomain, password } } }
  return { auth: { identity, ...(scope === undefined ? {} : { scope }) } }
}

/** Starts the real API with a new SQLite database in memory, on a free port, for tests. */
export async function startIdentity(more: Partial<ApiOptions> = {}): Promise<TestIdentity> {
  const database = await openDatabase('sqlite::memory:')
  await migrate(database, 'keystone', migrations)
  await bootstrap(database, bootstrapInput)
  const tokens = await openTokenSource(database, { secret: 'wrapping', log: silentLog })
  const options = { host: '127.0.0.1', port: 0, database, tokens, log: silentLog, metrics: openMetrics(), ...more }
  const running = await openApi(options)
  const url = running.url!
  const call: TestIdentity['call'] = async (method, path, { token, body, headers } = {}) => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(token ? { 'x-auth-token': token } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  return {
    url,
    database,
    call,
    async login(user = 'admin', password = 'secret-a', scope = projectScope('admin')) {
      const response = await call('POST', '/v3/auth/tokens', { body: passwordAuth(user, password, scope) })
      if (response.status !== 201) throw new Error(`login of ${user} returned ${response.status}`)
      return response.headers.get('x-subject-token')!
    },
    async close() {
      await running.close()
      tokens.close()
      await database.close()
    },
  }
}
