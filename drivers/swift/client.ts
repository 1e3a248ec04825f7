import type { Readable } from 'node:stream'
import { DriverError, type ServiceSession } from '@hearth/driver'
import { Agent, type Dispatcher, request } from 'undici'

interface SwiftRequest {
  /** Container, or container and object; not yet encoded. */
  path: string[]
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: Readable | Uint8Array
  signal?: AbortSignal
}

/** Client of one account of an object store. */
export interface SwiftClient {
  /**
   * Returns a successful response; throws DriverError by its status otherwise. The caller must read or dump the body.
   */
  send(method: Dispatcher.HttpMethod, input: SwiftRequest): Promise<Dispatcher.ResponseData>
  /** Same as `send`, but dumps the body. */
  call(method: Dispatcher.HttpMethod, input: SwiftRequest): Promise<void>
  /** Deletes an object. Returns true when it existed, false when not. */
  remove(container: string, object: string): Promise<boolean>
  /** Names in a container that begin with `prefix`, sorted; none when the container is missing. */
  names(container: string, prefix: string): Promise<string[]>
  close(): Promise<void>
}

const pageSize = 10_000

/** Opens a client for the account of `projectId`, or of the session's own project. No request is made yet. */
export function openSwiftClient(session: ServiceSession, projectId?: string): SwiftClient {
  const agent = new Agent({ connections: 64, headersTimeout: 300_000, bodyTimeout: 300_000 })
  const send: SwiftClient['send'] = async (method, input) => {
    // As a URL these lead to other containers and accounts.
    const leading = input.path.find((part) => ['', '.', '..'].includes(part))
    if (leading !== undefined) throw new DriverError('invalid', `"${leading}" cannot name a container or object`)
    const place = await connect(session, projectId)
    let response = await ask(place, agent, method, input)
    const isStream = input.body !== undefined && !(input.body instanceof Uint8Array)
    // A token may be revoked before it expires. A stream cannot be sent twice: it fails, and the next request logs in
    // again.
    if (response.statusCode === 401 && session.refused?.(place.token) && !isStream) {
      await response.body.dump()
      response = await ask(await connect(session, projectId), agent, method, input)
    }
    if (response.statusCode < 300) return response
    const said = (await response.body.text().catch(() => '')).slice(0, 200)
    throw refused(method, input.path, response.statusCode, said)
  }
  const call: SwiftClient['call'] = async (method, input) => {
    const response = await send(method, input)
    await response.body.dump()
  }
  return {
    send,
    call,
    async remove(container, object) {
      try {
        await call('DELETE', { path: [container, object] })
        return true
      } catch (error) {
        if (isMissing(error)) return false
        throw error
      }
    },
    async names(container, prefix) {
      const names: string[] = []
      for (;;) {
        const query = { prefix, limit: String(pageSize), format: 'json', marker: names.at(-1) ?? '' }
        const page = await listing(() => send('GET', { path: [container], query }))
        names.push(...page)
        if (page.length < pageSize) return names
      }
    },
    close: () => agent.close(),
  }
}

/** True for the error of a missing object or container. */
function isMissing(error: unknown): boolean {
  return error instanceof DriverError && error.kind === 'not-found'
}

interface Place {
  base: string
  token: string
}

async function ask(
  { base, token }: Place,
  agent: Agent,
  method: Dispatcher.HttpMethod,
  { path, query: wanted, headers: given, body, signal }: SwiftRequest,
): Promise<Dispatcher.ResponseData> {
  const query = wanted ? `?${new URLSearchParams(wanted)}` : ''
  const url = `${base}/${path.map(encodeURIComponent).join('/')}${query}`
  const headers = { 'x-auth-token': token, ...given }
  return request(url, { method, headers, body, signal, dispatcher: agent }).catch((error: unknown) => {
    throw unreachable(error, signal)
  })
}

async function connect(session: ServiceSession, projectId?: string): Promise<Place> {
  try {
    const base = await session.endpoint('object-store', projectId)
    return { base: base.replace(/\/+$/, ''), token: await session.token() }
  } catch (error) {
    throw new DriverError('unavailable', 'the object store cannot be found through the identity service', error)
  }
}

async function listing(get: () => Promise<Dispatcher.ResponseData>): Promise<string[]> {
  try {
    const response = await get()
    const text = await response.body.text()
    const rows = (text === '' ? [] : JSON.parse(text)) as { name?: string }[]
    return rows.map((row) => row.name ?? '')
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function unreachable(error: unknown, signal?: AbortSignal): DriverError {
  if (signal?.aborted) return new DriverError('aborted', 'the transfer was called off', error)
  const code = (error as { code?: string }).code ?? (error as Error).message
  return new DriverError('unavailable', `the object store does not answer: ${code}`, error)
}

function refused(method: string, path: string[], status: number, said: string): DriverError {
  const message = `the object store answered ${status} to ${method} ${path.join('/')}${said ? `: ${said}` : ''}`
  if (status === 404) return new DriverError('not-found', message)
  if (status === 413 || status === 507) return new DriverError('no-space', message)
  if (status === 401 || status === 403 || status >= 500) return new DriverError('unavailable', message)
  return new DriverError('failed', message)
}
