import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTrustedProxies } from '@hearth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectScope, startIdentity, type TestIdentity } from '../fixture.ts'

let identity: TestIdentity

beforeAll(async () => {
  identity = await startIdentity()
})
afterAll(() => identity.close())

test('both discovery documents need no token and link to the address that the caller used', async () => {
  const root = await identity.call('GET', '/')
  expect([root.status, root.headers.get('location')]).toEqual([300, `${identity.url}/v3/`])
  const [version] = root.body.versions.values
  expect(version).toMatchObject({
    id: 'v3.14',
    status: 'stable',
    links: [{ rel: 'self', href: `${identity.url}/v3/` }],
  })
  for (const path of ['/v3', '/v3/']) expect((await identity.call('GET', path)).body).toEqual({ version })
  const behind = await identity.call('GET', '/identity/v3')
  expect(behind.body.version.links[0].href).toBe(`${identity.url}/identity/v3/`)
})

test('links follow the headers of trusted proxies only, and a configured address wins', async () => {
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'cloud.example.org' }
  const linkOf = async ({ call }: TestIdentity) =>
    (await call('GET', '/v3', { headers })).body.version.links[0].href as string
  expect(await linkOf(identity)).toBe(`${identity.url}/v3/`)
  const proxies = openTrustedProxies(['127.0.0.0/8'])
  const behind = await startIdentity({ proxies })
  expect(await linkOf(behind)).toBe('https://cloud.example.org/v3/')
  const refused = await behind.call('GET', '/v3/users', { headers })
  expect(refused.headers.get('www-authenticate')).toBe('Keystone uri="https://cloud.example.org"')
  await behind.close()
  const known = await startIdentity({ publicUrl: 'https://id.example.org/v3', proxies })
  expect(await linkOf(known)).toBe('https://id.example.org/v3/')
  await known.close()
})

test('an operator’s policy file overrides the default policies', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'policy-'))
  const policyFile = join(folder, 'policy.yaml')
  writeFileSync(policyFile, '"identity:list_users": "role:member"\n"identity:list_projects": "!"\n')
  const strict = await startIdentity({ policyFile })
  const demo = await strict.login('demo', 'secret-d', projectScope('demo'))
  expect((await strict.call('GET', '/v3/users', { token: demo })).status).toBe(200)
  const refused = await strict.call('GET', '/v3/projects', { token: await strict.login() })
  expect(refused.status).toBe(403)
  expect(refused.body.error).toMatchObject({ code: 403, title: 'Forbidden' })
  await strict.close()
  rmSync(folder, { recursive: true })
})

test('text that a database could not store is refused', async () => {
  const token = await identity.login()
  const body = { user: { name: 'a\0b' } }
  expect((await identity.call('POST', '/v3/users', { token, body })).status).toBe(400)
  expect((await identity.call('GET', '/v3/users?name=a%00b', { token })).status).toBe(400)
})

test('services, endpoints and regions of the catalog are created, changed and deleted, and their references are checked', async () => {
  const token = await identity.login()
  const call = (method: string, path: string, body?: object) =>
    identity.call(method, `/v3${path}`, { token, ...(body ? { body } : {}) })
  const { service } = (await call('POST', '/services', { service: { type: 'thing', name: 't' } })).body
  const endpoint = { service_id: service.id, interface: 'public', url: 'http://h/%(project_id)s' }
  const post = (more: object) => call('POST', '/endpoints', { endpoint: { ...endpoint, ...more } })
  expect((await post({ region_id: 'nowhere' })).status).toBe(400)
  expect((await post({ service_id: 'none' })).status).toBe(400)
  expect((await post({ interface: 'secret' })).status).toBe(400)
  const made = (await post({ region: 'North' })).body.endpoint
  expect(made).toMatchObject({ region: 'North', region_id: 'North', enabled: true })
  expect((await call('DELETE', '/regions/North')).status).toBe(403)
  const entries = async () =>
    (await call('GET', '/auth/catalog')).body.catalog.find((one: { type: string }) => one.type === 'thing')
  expect((await entries()).endpoints).toHaveLength(1)
  await call('PATCH', `/endpoints/${made.id}`, { endpoint: { enabled: false } })
  expect((await entries()).endpoints).toEqual([])
  await call('PATCH', `/services/${service.id}`, { service: { enabled: false } })
  expect(await entries()).toBeUndefined()
  expect((await call('DELETE', `/services/${service.id}`)).status).toBe(204)
  expect((await call('GET', `/endpoints/${made.id}`)).status).toBe(404)
  expect((await call('DELETE', '/regions/North')).status).toBe(204)
  expect((await call('PUT', '/regions/a.b', { region: { parent_region_id: 'gone' } })).status).toBe(404)
})
