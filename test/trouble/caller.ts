import { Agent, fetch } from 'undici'
import type { Account, Started } from '../start.ts'
import type { Random } from './random.ts'

/** What came of a request: its reply, or null when it was lost or aborted, so that nobody knows whether it took effect. */
export type Outcome = { status: number; headers: Map<string, string>; bytes: Buffer } | null

interface Counts {
  requests: number
  aborted: number
  lost: number
  byStatus: Map<number, number>
}

/** Sends requests of one user, follows restarts of the suite, and aborts some requests in the middle. */
export interface Caller {
  readonly counts: Counts
  /** Fraction of the requests, 0 to 1, that are aborted within 60 ms. */
  abortFraction: number
  projectId(): string
  call(service: keyof Started['urls'], method: string, path: string, options?: CallOptions): Promise<Outcome>
  /** Logs in anew; called after each start of the suite. Throws when the log-in fails for 30 s. */
  logIn(): Promise<void>
  close(): Promise<void>
}

interface CallOptions {
  json?: unknown
  body?: Buffer
  headers?: Record<string, string>
}

const requestSeconds = 60
const longestAbortDelayMs = 60

/** A caller whose log-in is still to come. */
export function openCaller(urls: Started['urls'], account: Account, random: Random, abortFraction = 0): Caller {
  const agent = new Agent({ connections: 64 })
  let token = ''
  let projectId = ''
  const counts: Counts = { requests: 0, aborted: 0, lost: 0, byStatus: new Map() }

  const send = async (url: string, method: string, options: CallOptions, signal: AbortSignal): Promise<Outcome> => {
    const headers = {
      'x-auth-token': token,
      ...(options.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    }
    const body = options.json === undefined ? options.body : JSON.stringify(options.json)
    const response = await fetch(url, { method, headers, signal, dispatcher: agent, ...(body ? { body } : {}) })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { status: response.status, headers: new Map(response.headers), bytes }
  }

  const logIn = async (): Promise<void> => {
    const deadline = Date.now() + 30_000
    for (;;) {
      const found = await tryLogIn(urls, account).catch((error: Error) => error)
      if (!(found instanceof Error)) {
        token = found.token
        projectId = found.projectId
        return
      }
      if (Date.now() > deadline) throw found
      await new Promise((done) => setTimeout(done, 200))
    }
  }

  return {
    counts,
    abortFraction,
    projectId: () => projectId,
    async call(service, method, path, options = {}) {
      const base = { ...urls, object: `${urls.object}/v1/AUTH_${projectId}`, image: `${urls.image}/v2` }[service]
      const abort = new AbortController()
      const aborts = random.next() < this.abortFraction
      const delay = aborts ? random.below(longestAbortDelayMs) : requestSeconds * 1000
      const timer = setTimeout(() => abort.abort(), delay)
      counts.requests += 1
      try {
        const outcome = await send(base + path, method, options, abort.signal)
        const status = outcome!.status
        counts.byStatus.set(status, (counts.byStatus.get(status) ?? 0) + 1)
        if (status === 401) await logIn().catch(() => undefined)
        return outcome
      } catch {
        counts[aborts ? 'aborted' : 'lost'] += 1
        return null
      } finally {
        clearTimeout(timer)
      }
    },
    logIn,
    close: () => agent.destroy(),
  }
}

async function tryLogIn(urls: Started['urls'], account: Account): Promise<{ token: string; projectId: string }> {
  const domain = { name: 'Default' }
  const user = { name: account.username, password: account.password, domain }
  const scope = { project: { name: account.project, domain } }
  const response = await fetch(`${urls.identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
  })
  const text = await response.text()
  if (response.status !== 201) throw new Error(`the log-in returned ${response.status}: ${text}`)
  const { token } = JSON.parse(text) as { token: { project: { id: string } } }
  return { token: response.headers.get('x-subject-token')!, projectId: token.project.id }
}
