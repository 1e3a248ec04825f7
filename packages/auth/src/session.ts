import { commonErrors, errorTable } from '@hearth/core'
import { identityRoot } from './identity-root.ts'
import { unreachable } from './unreachable.ts'

/** Authenticated access to other services as a service user. */
export interface ServiceSession {
  /** A token valid for at least another minute. */
  token(): Promise<string>
  /** URL of a service type in the catalog; `projectId` stands in for the one of the service user in templated URLs. */
  endpoint(serviceType: string, projectId?: string): Promise<string>
  /** Project the service user acts in. */
  projectId(): Promise<string>
  /**
   * Forgets a token that another service refused with 401. True when the next call logs in anew; false for a token no
   * longer in use, and when the log-in was only seconds ago, so that a service that refuses everything causes no storm
   * of log-ins.
   */
  refused(token: string): boolean
}

interface SessionOptions {
  /** With or without `/v3`. */
  authUrl: string
  username: string
  password: string
  projectName: string
  userDomainName?: string
  projectDomainName?: string
  /** Catalog interface, default `public`. */
  interface?: string
  region?: string
  /** Settings that name the authorities to trust, for errors; default `tls.authority`. */
  authoritySettings?: string
}

interface Login {
  token: string
  /** On the clock of performance.now(). */
  loggedInAt: number
  expiresAt: number
  projectId: string
  catalog: { type: string; endpoints: { interface: string; region: string; url: string }[] }[]
}

/** Error for a service that the catalog lacks, which differs from that for an absent identity service. */
export const sessionErrors = errorTable({ NoEndpoint: [503, 'Service Unavailable: {reason}'] })

const renewBeforeMs = 60_000
/** A log-in is not repeated sooner. */
const settleMs = 10_000
const answerMs = 60_000

/** Logs in when first needed and again shortly before the token expires. Throws ServiceUnavailable (503). */
export function openServiceSession(options: SessionOptions): ServiceSession {
  let pending: Promise<Login> | null = null
  let current: Login | null = null
  const login = async (): Promise<Login> => {
    if (current && current.expiresAt - renewBeforeMs > Date.now()) return current
    pending ??= logIn(options).finally(() => {
      pending = null
    })
    current = await pending
    return current
  }
  const refused = (token: string): boolean => {
    if (current?.token !== token || performance.now() - current.loggedInAt < settleMs) return false
    current = null
    return true
  }
  return {
    token: async () => (await login()).token,
    projectId: async () => (await login()).projectId,
    refused,
    async endpoint(serviceType, projectId) {
      let known = await login()
      let url = urlOf(known, serviceType, options)
      // The catalog came with the token: the endpoint may have been made since.
      if (url === undefined && refused(known.token)) {
        known = await login()
        url = urlOf(known, serviceType, options)
      }
      if (url === undefined) {
        const reason = `the catalog has no ${options.interface ?? 'public'} ${serviceType} endpoint`
        throw sessionErrors.NoEndpoint({ reason })
      }
      return (projectId ? url.replace(known.projectId, projectId) : url).replace(/\/+$/, '')
    },
  }
}

function urlOf({ catalog }: Login, serviceType: string, options: SessionOptions): string | undefined {
  const wanted = options.interface ?? 'public'
  return catalog
    .find((service) => service.type === serviceType)
    ?.endpoints.find((e) => e.interface === wanted && (!options.region || e.region === options.region))?.url
}

/** Sends with the session's token; once more with a new one when the response is 401 and a new log-in may help. */
export async function sendWithToken(
  session: Pick<ServiceSession, 'token'> & { refused?(token: string): boolean },
  send: (token: string) => Promise<Response>,
): Promise<Response> {
  const token = await session.token()
  const response = await send(token)
  if (response.status !== 401 || !session.refused?.(token)) return response
  await response.body?.cancel()
  return send(await session.token())
}

async function logIn(options: SessionOptions): Promise<Login> {
  const root = identityRoot(options.authUrl)
  const user = {
    name: options.username,
    password: options.password,
    domain: { name: options.userDomainName ?? 'Default' },
  }
  const project = { name: options.projectName, domain: { name: options.projectDomainName ?? 'Default' } }
  const auth = { identity: { methods: ['password'], password: { user } }, scope: { project } }
  const response = await fetch(`${root}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
    signal: AbortSignal.timeout(answerMs),
  }).catch((cause: unknown) => {
    throw unreachable(root, cause, options.authoritySettings)
  })
  const reason = `${root} refused to log in service user ${options.username} (${response.status})`
  if (!response.ok) throw commonErrors.ServiceUnavailable({ reason })
  const { token } = (await response.json()) as {
    token: { expires_at: string; project: { id: string }; catalog: Login['catalog'] }
  }
  return {
    token: response.headers.get('x-subject-token') ?? '',
    loggedInAt: performance.now(),
    expiresAt: Date.parse(token.expires_at),
    projectId: token.project.id,
    catalog: token.catalog,
  }
}
