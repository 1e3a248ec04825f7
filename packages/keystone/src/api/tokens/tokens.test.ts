import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultDomain, passwordAuth, projectScope, startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let admin: string

beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
})
afterAll(() => identity.close())

const authenticate = (body: object) => identity.call('POST', '/v3/auth/tokens', { body })
const tokenAuth = (id: string, scope?: unknown) => ({
  auth: { identity: { methods: ['token'], token: { id } }, ...(scope ? { scope } : {}) },
})
const validate = (token: string, subject: string, query = '') =>
  identity.call('GET', `/v3/auth/tokens${query}`, { token, headers: { 'x-subject-token': subject } })

async function makeUser(name: string, more: object = {}): Promise<string> {
  const body = { user: { name, password: 'pw', ...more } }
  return (await identity.call('POST', '/v3/users', { token: admin, body })).body.user.id
}

async function grant(user: string, role: string, project: string): Promise<string> {
  const roles = await identity.call('GET', `/v3/roles?name=${role}`, { token: admin })
  const projects = await identity.call('GET', `/v3/projects?name=${project}`, { token: admin })
  const path = `/v3/projects/${projects.body.projects[0].id}/users/${user}/roles/${roles.body.roles[0].id}`
  expect((await identity.call('PUT', path, { token: admin })).status).toBe(204)
  return path
}

test('a log-in returns the user, the project, all implied roles and the catalog', async () => {
  const response = await authenticate(passwordAuth('admin', 'secret-a', projectScope('admin')))
  expect(response.status).toBe(201)
  const { token } = response.body
  expect(token.methods).toEqual(['password'])
  expect(token.user).toMatchObject({ name: 'admin', domain: { id: 'default', name: 'Default' } })
  expect(token.project).toMatchObject({ name: 'admin', domain: { id: 'default', name: 'Default' } })
  expect(token.roles.map((role: { name: string }) => role.name)).toEqual(['admin', 'manager', 'member', 'reader'])
  expect(token.audit_ids[0]).toHaveLength(22)
  expect(token.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  const types = token.catalog.map((service: { type: string }) => service.type)
  expect(types).toEqual(['block-storage', 'identity', 'image', 'object-store', 'volumev3'])
  const store = token.catalog.find((service: { type: string }) => service.type === 'object-store')
  expect(store.endpoints[0].url).toBe(`http://127.0.0.1:8080/v1/AUTH_${token.project.id}`)
})

test('a wrong password, an unknown user and a project without a role get the same response', async () => {
  const responses = [
    await authenticate(passwordAuth('admin', 'wrong')),
    await authenticate(passwordAuth('nobody', 'wrong')),
    await authenticate(passwordAuth('demo', 'secret-d', projectScope('admin'))),
    await authenticate(passwordAuth('demo', 'secret-d', projectScope('no-such-project'))),
  ]
  for (const { status, body, headers } of responses) {
    expect(status).toBe(401)
    expect(body.error).toEqual({
      code: 401,
      title: 'Unauthorized',
      message: 'The request you have made requires authentication.',
    })
    expect(headers.get('www-authenticate')).toMatch(/^Keystone uri="http:/)
  }
})

test('a method without its object gets 400, an unknown method 401, a user or project without a domain 400', async () => {
  const ask = async (identityBody: object, scope?: object) =>
    (await authenticate({ auth: { identity: identityBody, ...(scope ? { scope } : {}) } })).status
  expect(await ask({ methods: ['password'] })).toBe(400)
  expect(await ask({ methods: ['magic'], magic: {} })).toBe(401)
  expect(await ask({ methods: ['password'], password: { user: { name: 'admin', password: 'x' } } })).toBe(400)
  const good = {
    methods: ['password'],
    password: { user: { name: 'admin', domain: defaultDomain, password: 'secret-a' } },
  }
  expect(await ask(good, { project: { name: 'admin' } })).toBe(400)
  expect(await ask(good, { project: { id: 'x' }, domain: defaultDomain })).toBe(400)
})

const inherited = Object.getOwnPropertyNames(Object.prototype)

test('a method with the name of an inherited key is refused', async () => {
  const { id } = (await identity.call('GET', '/v3/users?name=admin', { token: admin })).body.users[0]
  const user = { id, name: 'admin', domainId: 'default', domainName: 'Default', enabled: true, domainEnabled: true }
  for (const method of inherited) {
    const bare = { auth: { identity: { methods: [method], user }, scope: projectScope('admin') } }
    expect([method, (await authenticate(bare)).status]).toEqual([method, 400])
    const withObject = { auth: { identity: { methods: [method], [method]: { user } }, scope: projectScope('admin') } }
    expect([method, (await authenticate(withObject)).status]).toEqual([method, 401])
  }
})

test('unknown members of a log-in body are refused', async () => {
  const good = { user: { name: 'admin', domain: defaultDomain, password: 'secret-a' } }
  const ask = async (identityBody: object, more: object = {}) =>
    (await authenticate({ auth: { identity: identityBody, ...more } })).status
  expect(await ask({ methods: ['password'], password: good })).toBe(201)
  expect(await ask({ methods: ['password'], password: good, user: good.user })).toBe(400)
  expect(await ask({ methods: ['password'], password: { ...good, extra: 1 } })).toBe(400)
  expect(await ask({ methods: ['password'], password: { user: { ...good.user, enabled: true } } })).toBe(400)
  expect(await ask({ methods: ['password'], password: good }, { user: good.user })).toBe(400)
})

test('without a scope the token is unscoped and has neither roles nor catalog', async () => {
  for (const scope of [undefined, 'unscoped', { unscoped: {} }]) {
    const { token } = (await authenticate(passwordAuth('admin', 'secret-a', scope))).body
    expect(['project', 'domain', 'system', 'roles', 'catalog'].filter((key) => key in token)).toEqual([])
  }
})

test('without a scope the token is for the default project if the user has a role in it', async () => {
  const projects = await identity.call('GET', '/v3/projects?name=demo', { token: admin })
  const projectId = projects.body.projects[0].id
  const user = await makeUser('homely', { default_project_id: projectId })
  expect((await authenticate(passwordAuth('homely', 'pw'))).body.token.project).toBeUndefined()
  await grant(user, 'member', 'demo')
  expect((await authenticate(passwordAuth('homely', 'pw'))).body.token.project.id).toBe(projectId)
})

test('a token of the system scope says so, and its catalog has no endpoints that need a project', async () => {
  const { token } = (await authenticate(passwordAuth('admin', 'secret-a', { system: { all: true } }))).body
  expect(token.system).toEqual({ all: true })
  const store = token.catalog.find((service: { type: string }) => service.type === 'object-store')
  expect(store.endpoints).toEqual([])
})

test('a rescoped token has the same expiry, the methods of both log-ins and the audit id of the first token', async () => {
  const first = await authenticate(passwordAuth('admin', 'secret-a'))
  const subject = first.headers.get('x-subject-token')!
  const second = await authenticate(tokenAuth(subject, projectScope('admin')))
  expect(second.status).toBe(201)
  expect(second.body.token.expires_at).toBe(first.body.token.expires_at)
  expect(second.body.token.methods).toEqual(['password', 'token'])
  expect(second.body.token.audit_ids[1]).toBe(first.body.token.audit_ids[0])
})

test('the owner of a token and services can validate it, with the same body as at its issue', async () => {
  const made = await authenticate(passwordAuth('demo', 'secret-d', projectScope('demo')))
  const subject = made.headers.get('x-subject-token')!
  const cinder = await identity.login('cinder', 'secret-c', projectScope('service'))
  for (const token of [subject, cinder]) {
    const shown = await validate(token, subject)
    expect(shown.status).toBe(200)
    expect(shown.headers.get('x-subject-token')).toBe(subject)
    expect(shown.body).toEqual(made.body)
  }
  expect((await validate(cinder, subject, '?nocatalog')).body.token.catalog).toBeUndefined()
})

test('another user cannot validate a token, and an invalid token gets 404', async () => {
  const demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  expect((await validate(demo, admin)).status).toBe(403)
  for (const token of [admin, demo]) expect((await validate(token, 'hth.nonsense')).status).toBe(404)
  expect((await validate('nonsense', admin)).status).toBe(401)
  const forged = `${demo.slice(0, -6)}AAAAAA`
  expect((await validate(admin, forged)).status).toBe(404)
})

test('a revoked token is invalid at once, other tokens of its chain are not', async () => {
  const first = (await authenticate(passwordAuth('demo', 'secret-d'))).headers.get('x-subject-token')!
  const second = (await authenticate(tokenAuth(first, projectScope('demo')))).headers.get('x-subject-token')!
  const gone = await identity.call('DELETE', '/v3/auth/tokens', {
    token: first,
    headers: { 'x-subject-token': second },
  })
  expect(gone.status).toBe(204)
  expect((await validate(admin, second)).status).toBe(404)
  expect((await validate(second, admin)).status).toBe(401)
  expect((await validate(admin, first)).status).toBe(200)
})

test('a new password, a lost role and disabling a user revoke tokens', async () => {
  const user = await makeUser('fickle')
  const path = await grant(user, 'member', 'demo')
  const login = (password = 'pw') => identity.login('fickle', password, projectScope('demo'))
  const before = await login()
  await identity.call('DELETE', path, { token: admin })
  expect((await validate(admin, before)).status).toBe(404)
  await identity.call('PUT', path, { token: admin })
  const again = await login()
  const change = { user: { password: 'new', original_password: 'pw' } }
  expect((await identity.call('POST', `/v3/users/${user}/password`, { body: change })).status).toBe(204)
  expect((await validate(admin, again)).status).toBe(404)
  const last = await login('new')
  const disable = { user: { enabled: false } }
  expect((await identity.call('PATCH', `/v3/users/${user}`, { token: admin, body: disable })).status).toBe(200)
  expect((await validate(admin, last)).status).toBe(404)
  await expect(login('new')).rejects.toThrow('401')
})

test('a password change needs the old password, and changes nothing without it', async () => {
  const user = await makeUser('careful')
  const change = { user: { password: 'new', original_password: 'guess' } }
  expect((await identity.call('POST', `/v3/users/${user}/password`, { body: change })).status).toBe(401)
  expect((await authenticate(passwordAuth('careful', 'pw'))).status).toBe(201)
})

test('an expired token is invalid, and validates only with allow_expired', async () => {
  const short = await startIdentity({ tokenSeconds: 2 })
  const subject = await short.login()
  await new Promise((resolve) => setTimeout(resolve, 2100))
  const token = await short.login()
  const look = (query: string) =>
    short.call('GET', `/v3/auth/tokens${query}`, { token, headers: { 'x-subject-token': subject } })
  expect((await look('')).status).toBe(404)
  expect((await look('?allow_expired=1')).status).toBe(200)
  await short.close()
})

test('the public keys can be read without a token', async () => {
  const { body } = await identity.call('GET', '/.well-known/jwks.json')
  expect(body.keys).toHaveLength(1)
  expect(body.keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' })
  expect(JSON.stringify(body)).not.toContain('"d"')
})

test('the possible scopes of the caller are listed, and the catalog needs a project', async () => {
  const projects = await identity.call('GET', '/v3/auth/projects', { token: admin })
  expect(projects.body.projects.map((one: { name: string }) => one.name)).toEqual(['admin'])
  expect((await identity.call('GET', '/v3/auth/system', { token: admin })).body.system).toEqual([{ all: true }])
  expect((await identity.call('GET', '/v3/auth/domains', { token: admin })).body.domains).toEqual([])
  expect((await identity.call('GET', '/v3/auth/catalog', { token: admin })).status).toBe(200)
  const unscoped = (await authenticate(passwordAuth('demo', 'secret-d'))).headers.get('x-subject-token')!
  expect((await identity.call('GET', '/v3/auth/catalog', { token: unscoped })).status).toBe(403)
})
