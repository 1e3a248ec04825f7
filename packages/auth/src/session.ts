import { commonErrors } from '@hearth/core'
import { identityRoot } from './identity-root.ts'

/** Authenticated access to other services as a service user. */
export interface ServiceSession {
  /** A token valid for at least another minute. */
  token(): Promise<string>
  /** URL of a service type in the catalog; `projectId` stands in for the one of the service user in templated URLs. */
  endpoint(serviceType: string, projectId?: string): Promise<string>
  /** Project the service user acts in. */
  projectId(): Promise<string>
}

export interface SessionOptions {
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
}

interface Login {
  token: string
  expiresAt: number
  projectId: string
  catalog: { type: string; endpoints: { interface: string; region: string; url: string }[] }[]
}

const renewBeforeMs = 60_000

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
  return {
    token: async () => (await login()).token,
    projectId: async () => (await login()).projectId,
    async endpoint(serviceType, projectId) {
      const { catalog, projectId: own } = await login()
      const wanted = options.interface ?? 'public'
      const url = catalog
        .find((service) => service.type === serviceType)
        ?.endpoints.find((e) => e.interface === wanted && (!options.region || e.region === options.region))?.url
      if (!url)
        throw commonErrors.ServiceUnavailable({ reason: `the catalog has no ${wanted} ${serviceType} endpoint` })
      return (projectId ? url.replace(own, projectId) : url).replace(/\/+$/, '')
    },
  }
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
  }).catch((cause: unknown) => {
    throw commonErrors.ServiceUnavailable({ reason: `${root} does not answer` }, cause)
  })
  const reason = `${root} refused to log in service user ${options.username} (${response.status})`
  if (!response.ok) throw commonErrors.ServiceUnavailable({ reason })
  const { token } = (await response.json()) as {
    token: { expires_at: string; project: { id: string }; catalog: Login['catalog'] }
  }
  return {
    token: response.headers.get('x-subject-token') ?? '',
    expiresAt: Date.parse(token.expires_at),
    projectId: token.project.id,
    catalog: token.catalog,
  }
}

/** GETs JSON; throws on any answer but success. */
export async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.json()
}
