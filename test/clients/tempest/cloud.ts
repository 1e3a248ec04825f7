import { randomFillSync } from 'node:crypto'

export interface Cloud {
  authUrl: string
  username: string
  password: string
  project: string
  region: string
}

/** From `OS_…` variables. Throws an Error naming those that are missing. */
export function cloudOf(environment: Record<string, string | undefined>): Cloud {
  const missing = ['OS_AUTH_URL', 'OS_PASSWORD'].filter((name) => !environment[name])
  if (missing.length > 0) throw new Error(`${missing.join(' and ')} not set: eval "$(./hearth openrc)", or use --start`)
  const url = environment.OS_AUTH_URL!.replace(/\/+$/, '')
  return {
    authUrl: url.endsWith('/v3') ? url : `${url}/v3`,
    username: environment.OS_USERNAME ?? 'admin',
    password: environment.OS_PASSWORD!,
    project: environment.OS_PROJECT_NAME ?? 'admin',
    region: environment.OS_REGION_NAME ?? 'RegionOne',
  }
}

/** Random bytes as large as the test image. */
export const imageBytes = (): Buffer => randomFillSync(Buffer.alloc(16 * 1024 ** 2))

/** The ids of two public images that the tests may use; uploads those that are missing. */
export async function testImages(cloud: Cloud): Promise<[string, string]> {
  const { token, imageUrl } = await login(cloud)
  const call = async (
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    type = 'application/json',
  ): Promise<Response> => {
    const headers = { 'x-auth-token': token, 'content-type': type }
    const response = await fetch(imageUrl + path, { method, headers, ...(body === undefined ? {} : { body }) })
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
    return response
  }
  const image = async (name: string): Promise<string> => {
    const list = (await (await call('GET', `/images?name=${name}&status=active`)).json()) as {
      images: { id: string }[]
    }
    if (list.images[0]) return list.images[0].id
    const fields = { name, disk_format: 'raw', container_format: 'bare', visibility: 'public' }
    const { id } = (await (await call('POST', '/images', JSON.stringify(fields))).json()) as { id: string }
    await call('PUT', `/images/${id}/file`, new Uint8Array(imageBytes()), 'application/octet-stream')
    return id
  }
  return [await image('tempest-image'), await image('tempest-image-alt')]
}

async function login(cloud: Cloud): Promise<{ token: string; imageUrl: string }> {
  const domain = { name: 'Default' }
  const user = { name: cloud.username, domain, password: cloud.password }
  const scope = { project: { name: cloud.project, domain } }
  const response = await fetch(`${cloud.authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
  })
  if (response.status !== 201) throw new Error(`login answered ${response.status}: ${await response.text()}`)
  const { token } = (await response.json()) as {
    token: { catalog: { type: string; endpoints: { interface: string; url: string }[] }[] }
  }
  const image = token.catalog.find((service) => service.type === 'image')
  const url = image?.endpoints.find((endpoint) => endpoint.interface === 'public')?.url.replace(/\/+$/, '')
  if (url === undefined) throw new Error('the catalog has no public image service')
  return { token: response.headers.get('x-subject-token')!, imageUrl: url.endsWith('/v2') ? url : `${url}/v2` }
}
