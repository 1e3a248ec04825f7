import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Account, Started } from './start.ts'

const longestText = 2 ** 24

export type Service = keyof Started['urls']

export interface Answer {
  status: number
  headers: Headers
  bytes: Buffer
  /** Parsed when it is JSON, else the text; its first 16 MiB. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

export interface CallOptions {
  json?: unknown
  body?: string | Uint8Array | ReadableStream<Uint8Array>
  headers?: Record<string, string>
  /** Block storage microversion. */
  version?: string
}

/** A logged-in user of the suite, speaking plain HTTP. */
export interface Client {
  token: string
  projectId: string
  userId: string
  /** Path below the service's URL; below the project's own account for objects. */
  call(service: Service, method: string, path: string, options?: CallOptions): Promise<Answer>
  /** Like call, but throws unless the answer is a success. */
  must(service: Service, method: string, path: string, options?: CallOptions): Promise<Answer>
}

/** Logs in with a password, scoped to the account's project. */
export async function login(urls: Started['urls'], account: Account): Promise<Client> {
  const domain = { name: 'Default' }
  const auth = {
    identity: {
      methods: ['password'],
      password: { user: { name: account.username, password: account.password, domain } },
    },
    scope: { project: { name: account.project, domain } },
  }
  const response = await fetch(`${urls.identity}/auth/tokens`, {
    method: 'POST',
    headers: { connection: 'close', 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  })
  if (response.status !== 201) throw new Error(`login answered ${response.status}: ${await response.text()}`)
  const { token } = (await response.json()) as { token: { project: { id: string }; user: { id: string } } }
  const secret = response.headers.get('x-subject-token')!
  return clientOf(urls, secret, token.project.id, token.user.id)
}

/** A new user in a project of its own, with the given role in it. */
export async function freshClient(urls: Started['urls'], admin: Account, role = 'member'): Promise<Client> {
  const root = await login(urls, admin)
  const account = { username: `user-${randomUUID()}`, password: randomUUID(), project: `project-${randomUUID()}` }
  const make = async (path: string, json: Record<string, unknown>) =>
    (await root.must('identity', 'POST', path, { json })).body
  const { project } = await make('/projects', { project: { name: account.project } })
  const { user } = await make('/users', { user: { name: account.username, password: account.password } })
  const { roles } = (await root.must('identity', 'GET', `/roles?name=${role}`)).body
  await root.must('identity', 'PUT', `/projects/${project.id}/users/${user.id}/roles/${roles[0].id}`)
  return login(urls, account)
}

function clientOf(urls: Started['urls'], token: string, projectId: string, userId: string): Client {
  const bases = { ...urls, object: `${urls.object}/v1/AUTH_${projectId}`, image: `${urls.image}/v2` }
  const call: Client['call'] = async (service, method, path, options = {}) => {
    const body = options.json === undefined ? options.body : JSON.stringify(options.json)
    const response = await fetch(bases[service] + path, {
      method,
      headers: {
        // A connection kept from before a kill would meet the next process's refusal.
        connection: 'close',
        'x-auth-token': token,
        ...(options.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.version ? { 'openstack-api-version': `volume ${options.version}` } : {}),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    } as RequestInit)
    const bytes = Buffer.from(await response.arrayBuffer())
    const isJson = response.headers.get('content-type')?.includes('json') && bytes.length > 0
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      body: isJson ? JSON.parse(bytes.toString()) : bytes.subarray(0, longestText).toString('latin1'),
    }
  }
  return {
    token,
    projectId,
    userId,
    call,
    async must(service, method, path, options) {
      const answer = await call(service, method, path, options)
      if (answer.status >= 400)
        throw new Error(`${method} ${service} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
      return answer
    },
  }
}

/** Asks again and again until `done` says so; throws with the last answer after `seconds`. */
export async function until<T>(ask: () => Promise<T>, done: (value: T) => boolean, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const value = await ask()
    if (done(value)) return value
    if (Date.now() > deadline) throw new Error(`still not so after ${seconds} s: ${JSON.stringify(value)}`)
    await sleep(50)
  }
}

/** Waits until a volume, snapshot or backup has a status; throws at once when it fails. */
export async function waitForStatus(
  client: Client,
  path: string,
  status: string,
  seconds = 60,
): Promise<Answer['body']> {
  const read = async (): Promise<Answer['body']> => {
    const { body } = await client.must('volume', 'GET', path)
    return Object.values(body)[0]
  }
  const isEnd = (resource: { status: string }): boolean =>
    resource.status === status || resource.status.startsWith('error')
  const resource = await until(read, isEnd, seconds)
  if (resource.status !== status) throw new Error(`${path} became ${resource.status}: ${JSON.stringify(resource)}`)
  return resource
}

/** Waits until the resource answers 404. */
export async function waitUntilGone(client: Client, service: Service, path: string, seconds = 60): Promise<void> {
  await until(
    () => client.call(service, 'GET', path),
    (answer) => answer.status === 404,
    seconds,
  )
}

/** Uploads a raw image; answers its id. */
export async function makeRawImage(client: Client, bytes: Uint8Array): Promise<string> {
  const json = { name: 'seed', disk_format: 'raw', container_format: 'bare' }
  const { id } = (await client.must('image', 'POST', '/images', { json })).body
  const headers = { 'content-type': 'application/octet-stream' }
  await client.must('image', 'PUT', `/images/${id}/file`, { body: bytes, headers })
  return id
}
