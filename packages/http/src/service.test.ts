import { openEnforcer } from '@hearth/auth'
import { type HearthError, type Identity, openMetrics, silentLog } from '@hearth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Reply, type Route, since } from './route.ts'
import { openService } from './service.ts'

const identities: Record<string, Partial<Identity>> = {
  member: { userId: 'u1', projectId: 'p1', roles: ['member'], accessRules: null },
  service: { userId: 'u3', projectId: 'p3', roles: ['service'], accessRules: null },
  ended: { userId: 'u1', projectId: 'p1', roles: ['member'], accessRules: null },
  admin: { userId: 'u2', projectId: 'p2', roles: ['admin'], accessRules: null },
  narrow: {
    userId: 'u1',
    projectId: 'p1',
    roles: ['member'],
    accessRules: [{ service: 'things', method: 'GET', path: '/v3/things/*' }],
  },
}

const thing = { id: 't1', name: 'lamp', colour: 'red' }
const shape = {
  type: 'object',
  properties: { id: {}, name: {}, colour: since('3.5', {}) },
}
const body = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 5 }, colour: since('3.5', { type: 'string' }) },
  required: ['name'],
  additionalProperties: false,
}
const routes: Route<null>[] = [
  { method: 'GET', path: '/things/:id', policy: 'things:get', reply: shape, status: 200, operation: async () => thing },
  { method: 'POST', path: '/things', policy: 'things:create', body, status: 202, operation: async (_c, r) => r.body },
  { method: 'GET', path: '/new', since: '3.9', policy: null, status: 200, operation: async () => ({ new: true }) },
  {
    method: 'POST',
    path: '/things/:id/action',
    action: 'os-light',
    policy: 'things:get',
    status: 202,
    operation: async () => new Reply(202),
  },
  {
    method: 'POST',
    path: '/things/:id/action',
    action: 'os-dim',
    since: '3.4',
    policy: 'things:get',
    status: 202,
    operation: async (context) => ({ strict: context.allows('strict-dimming') }),
  },
  {
    method: 'GET',
    path: '/broken',
    policy: null,
    status: 200,
    operation: async () => {
      throw new Error('password=hunter2')
    },
  },
]

let url = ''
let close: () => Promise<void>
beforeAll(async () => {
  const running = await openService({
    name: 'things',
    host: '127.0.0.1',
    port: 0,
    prefixes: ['/v3/:project_id(^[0-9a-f-]+$)', '/v3'],
    routes,
    deps: null,
    log: silentLog,
    metrics: openMetrics(),
    metricsToken: 'm3trics',
    microversions: { service: 'volume', min: '3.0', max: '3.10', behaviours: { '3.6': ['strict-dimming'] } },
    authenticator: {
      authenticate: async (token, { allowExpired = false } = {}) =>
        token === 'ended' && !allowExpired ? null : ((identities[token] as Identity | undefined) ?? null),
      close: async () => undefined,
    },
    enforcer: openEnforcer({ defaults: { 'things:get': 'role:member', 'things:create': 'role:admin' } }),
    faults: (error: HearthError) => ({ status: error.status, body: { code: error.code, message: error.message } }),
  })
  url = running.url!
  close = running.close
})
afterAll(() => close())

const call = (path: string, token: string | null, more: RequestInit & { version?: string } = {}): Promise<Response> =>
  fetch(url + path, {
    ...more,
    headers: {
      ...(token ? { 'x-auth-token': token } : {}),
      ...(more.body ? { 'content-type': 'application/json' } : {}),
      ...(more.version ? { 'openstack-api-version': `volume ${more.version}` } : {}),
    },
  })

test('a field newer than the asked version is not shown', async () => {
  expect(await (await call('/v3/things/t1', 'member')).json()).toEqual({ id: 't1', name: 'lamp' })
  expect(await (await call('/v3/things/t1', 'member', { version: '3.5' })).json()).toEqual(thing)
})

test('rows exist with and without the project in the path', async () => {
  expect((await call('/v3/0a1b/things/t1', 'member')).status).toBe(200)
})

test('the negotiated version is told in the answer', async () => {
  const response = await call('/v3/things/t1', 'member', { version: 'latest' })
  expect(response.headers.get('openstack-api-version')).toBe('volume 3.10')
  expect(response.headers.get('vary')).toBe('OpenStack-API-Version')
  expect(response.headers.get('x-openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/)
})

test.each([
  ['3.11', 406],
  ['2.0', 406],
  ['three', 400],
  ['3.01', 400],
])('version %s is answered %i', async (version, status) => {
  expect((await call('/v3/things/t1', 'member', { version })).status).toBe(status)
})

test.each(['volumev3 3.5', 'compute 2.1, volumev3 3.5', 'volumev3  3.5'])(
  'the word for the service may hold more than its name: %s',
  async (header) => {
    const headers = { 'x-auth-token': 'member', 'openstack-api-version': header }
    expect(await (await fetch(`${url}/v3/things/t1`, { headers })).json()).toEqual(thing)
  },
)

test('a row is not there before its version', async () => {
  expect((await call('/v3/new', null)).status).toBe(404)
  expect((await call('/v3/new', null, { version: '3.9' })).status).toBe(200)
})

test('a request without a token is refused', async () => {
  expect((await call('/v3/things/t1', null)).status).toBe(401)
  expect((await call('/v3/things/t1', 'stranger')).status).toBe(401)
})

test('a request that its policy forbids is refused with the rule', async () => {
  const response = await call('/v3/things', 'member', { method: 'POST', body: '{"name":"a"}' })
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({ message: "Policy doesn't allow things:create to be performed." })
})

test.each([
  ['{"name": 3}', "Invalid input for field/attribute name. Value: 3. 3 is not of type 'string'"],
  ['{"name": "aaaaaa"}', "Invalid input for field/attribute name. Value: aaaaaa. 'aaaaaa' is too long"],
  ['{"name": "a", "colour": "red"}', "Additional properties are not allowed ('colour' was unexpected)"],
  ['{}', "'name' is a required property"],
  ['{', 'Malformed request body'],
  ['', 'Missing required element'],
])('the body %s is refused: %s', async (text, message) => {
  const response = await call('/v3/things', 'admin', { method: 'POST', body: text })
  expect(response.status).toBe(400)
  expect(((await response.json()) as { message: string }).message).toContain(message)
})

test('a field is accepted from its version on', async () => {
  const response = await call('/v3/things', 'admin', {
    method: 'POST',
    body: '{"name":"a","colour":"b"}',
    version: '3.5',
  })
  expect(response.status).toBe(202)
})

test('the first key of the body picks the action', async () => {
  const act = (text: string, version?: string) =>
    call('/v3/things/t1/action', 'member', { method: 'POST', body: text, ...(version ? { version } : {}) })
  expect((await act('{"os-light": {}}')).status).toBe(202)
  expect((await act('{"os-explode": {}}')).status).toBe(400)
  expect((await act('{"os-dim": {}}')).status).toBe(404)
  expect(await (await act('{"os-dim": {}}', '3.4')).json()).toEqual({ strict: false })
  expect(await (await act('{"os-dim": {}}', '3.6')).json()).toEqual({ strict: true })
})

test('an application credential may call only what its access rules name', async () => {
  expect((await call('/v3/things/t1', 'narrow')).status).toBe(200)
  expect((await call('/v3/things/t1/action', 'narrow', { method: 'POST', body: '{"os-light": {}}' })).status).toBe(401)
})

test('beside the token of a service neither access rules nor the end of a token count; a bad one refuses the request', async () => {
  const light = (token: string, service?: string) =>
    fetch(`${url}/v3/things/t1/action`, {
      method: 'POST',
      headers: {
        'x-auth-token': token,
        'content-type': 'application/json',
        ...(service === undefined ? {} : { 'x-service-token': service }),
      },
      body: '{"os-light": {}}',
    }).then((response) => response.status)
  expect(await light('narrow', 'service')).toBe(202)
  expect(await light('narrow', 'member')).toBe(401)
  expect(await light('ended')).toBe(401)
  expect(await light('ended', 'service')).toBe(202)
  expect(await light('ended', 'member')).toBe(401)
  expect(await light('member', 'stranger')).toBe(401)
})

test('an unforeseen error tells nothing', async () => {
  const response = await call('/v3/broken', null)
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('hunter2')
})

test('requests are counted by route', async () => {
  const headers = { authorization: 'Bearer m3trics' }
  const scraped = await fetch(`${url}/metrics`, { headers })
  expect(await scraped.text()).toContain('route="/v3/things/:id",status="200"')
  expect(await (await call('/healthcheck', null)).text()).toBe('OK')
})

test('a taken port is an error that names it', async () => {
  const port = Number(new URL(url).port)
  const options = { host: '127.0.0.1', port, name: 'things', prefixes: [''], routes: [], deps: null, log: silentLog }
  const authenticator = { authenticate: async () => null, close: async () => undefined }
  const rest = {
    metrics: openMetrics(),
    authenticator,
    enforcer: openEnforcer({ defaults: {} }),
    faults: () => ({ status: 500, body: '' }),
  }
  await expect(openService({ ...options, ...rest })).rejects.toThrow(`things cannot listen on 127.0.0.1:${port}`)
})
