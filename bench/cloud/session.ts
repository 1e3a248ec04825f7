import { getCACertificates } from 'node:tls'
import { certificateProblem } from '@hearth/core'
import { Agent, type Dispatcher, request } from 'undici'
import type { CloudSettings } from './settings.ts'

type ServiceName = 'identity' | 'image' | 'volume' | 'object'

/** An error with the cloud's own message; `status` 0 means that no response came. */
export class CloudError extends Error {
  readonly status: number

  constructor(message: string, status: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CloudError'
    this.status = status
  }
}

interface CallOptions {
  json?: unknown
  body?: Dispatcher.DispatchOptions['body']
  headers?: Record<string, string>
  /** Error statuses that are returned; any other 4xx/5xx throws. */
  allow?: number[]
  /** Return the body unread. The caller must read it to its end. */
  stream?: boolean
}

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  json<T>(): T
  /** Only with `stream`. */
  body: Dispatcher.ResponseData['body']
}

/** A logged-in user: public HTTP APIs found through the catalog, one connection pool. */
export interface Session {
  projectId: string
  token: string
  /** True when requests carry a service token. */
  isService: boolean
  call(service: ServiceName, method: string, path: string, options?: CallOptions): Promise<Answer>
  /** Issues another token, for measuring. */
  authenticate(): Promise<void>
  endpoint(service: ServiceName): string
  close(): Promise<void>
}

/** Block storage microversion of all calls: attachments can be created, updated and completed since 3.44. */
const volumeVersion = 'volume 3.44'
const catalogTypes: Record<ServiceName, string[]> = {
  identity: ['identity'],
  image: ['image'],
  volume: ['block-storage', 'volumev3', 'block-store', 'volume'],
  object: ['object-store'],
}

interface Token {
  id: string
  projectId: string
  catalog: { type: string; endpoints: { interface: string; region: string; url: string }[] }[]
}

/** Logs in. `connections` bounds the requests under way at once; `timeoutSeconds` is the limit for each response. */
export async function openSession(
  settings: CloudSettings,
  options: { connections: number; timeoutSeconds: number },
): Promise<Session> {
  const limit = options.timeoutSeconds * 1000
  const trust =
    settings.authority === null ? {} : { connect: { ca: [...getCACertificates('default'), settings.authority] } }
  const agent = new Agent({ connections: options.connections, headersTimeout: limit, bodyTimeout: limit, ...trust })
  try {
    return await sessionOn(agent, settings)
  } catch (error) {
    await agent.close()
    throw error
  }
}

async function sessionOn(agent: Agent, settings: CloudSettings): Promise<Session> {
  const token = await issueToken(agent, settings)
  const service = settings.serviceUsername ? await issueToken(agent, serviceUser(settings)) : null
  const tokens: Record<string, string> = { 'x-auth-token': token.id }
  if (service) tokens['x-service-token'] = service.id
  const urls = new Map<ServiceName, string>([['identity', settings.authUrl]])
  const endpoint = (name: ServiceName): string => {
    const url = urls.get(name) ?? publicUrl(token, name, settings)
    urls.set(name, url)
    return url
  }
  return {
    projectId: token.projectId,
    token: token.id,
    isService: service !== null,
    endpoint,
    async authenticate() {
      await issueToken(agent, settings)
    },
    call(name, method, path, callOptions = {}) {
      const own: Record<string, string> = name === 'volume' ? { 'openstack-api-version': volumeVersion } : {}
      return send(agent, method, endpoint(name) + path, {
        ...callOptions,
        headers: { ...tokens, ...own, ...callOptions.headers },
      })
    },
    close: () => agent.destroy(),
  }
}

function serviceUser(settings: CloudSettings): CloudSettings {
  const { serviceUsername, servicePassword, serviceProjectName } = settings
  return { ...settings, username: serviceUsername!, password: servicePassword!, projectName: serviceProjectName }
}

async function issueToken(agent: Agent, settings: CloudSettings): Promise<Token> {
  const user = {
    name: settings.username,
    domain: { name: settings.userDomainName },
    password: settings.password,
  }
  const project = { name: settings.projectName, domain: { name: settings.projectDomainName } }
  const auth = { identity: { methods: ['password'], password: { user } }, scope: { project } }
  const answer = await send(agent, 'POST', `${settings.authUrl}/auth/tokens`, { json: { auth } })
  const { token } = answer.json<{ token: { project: { id: string }; catalog?: Token['catalog'] } }>()
  return { id: String(answer.headers['x-subject-token']), projectId: token.project.id, catalog: token.catalog ?? [] }
}

function publicUrl(token: Token, name: ServiceName, settings: CloudSettings): string {
  const entry = token.catalog.find((service) => catalogTypes[name].includes(service.type))
  const found = entry?.endpoints.find(
    (candidate) =>
      candidate.interface === settings.endpointInterface &&
      (settings.region === '' || candidate.region === settings.region),
  )
  if (!found) throw new CloudError(`the catalog has no ${settings.endpointInterface} endpoint for ${name}`, 0)
  const url = found.url.replace(/\/+$/, '')
  return name === 'image' && !/\/v2(\.\d+)?$/.test(url) ? `${url}/v2` : url
}

async function send(agent: Agent, method: string, url: string, options: CallOptions): Promise<Answer> {
  const path = new URL(url).pathname
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers }
  if (options.json !== undefined) headers['content-type'] = 'application/json'
  const body = options.json === undefined ? options.body : JSON.stringify(options.json)
  let reply: Dispatcher.ResponseData
  let text = ''
  try {
    reply = await request(url, { dispatcher: agent, method: method as Dispatcher.HttpMethod, headers, body })
    if (!options.stream || reply.statusCode >= 400) text = await reply.body.text()
  } catch (error) {
    const problem = certificateProblem(error)
    if (problem !== null)
      throw new CloudError(
        `the certificate of ${new URL(url).origin} is not accepted (OS_CACERT): ${problem}`,
        0,
        error,
      )
    throw new CloudError(`${method} ${path}: ${(error as Error).message}`, 0, error)
  }
  const { statusCode: status } = reply
  if (status >= 400 && !options.allow?.includes(status))
    throw new CloudError(`${method} ${path} answered ${status}: ${faultOf(text)}`, status)
  return { status, headers: reply.headers, text, body: reply.body, json: <T>() => JSON.parse(text) as T }
}

/** The sentence inside a fault: `{"badRequest": {"message": …}}`, `{"error": …}`, `{"message": …}` or HTML. */
function faultOf(text: string): string {
  try {
    const parsed = JSON.parse(text) as Record<string, unknown>
    const inner = [parsed, ...Object.values(parsed)].find(
      (value): value is { message: string } => typeof (value as { message?: unknown } | null)?.message === 'string',
    )
    return inner?.message ?? text.slice(0, 200)
  } catch {
    return text
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 200)
  }
}
