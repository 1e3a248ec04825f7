import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectScope, startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let admin: string
let demo: string
let userId: string
let path: string

beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
  demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  userId = (await identity.call('GET', '/v3/users?name=demo', { token: admin })).body.users[0].id
  path = `/v3/users/${userId}/application_credentials`
})
afterAll(() => identity.close())

const create = (given: object, token = demo) =>
  identity.call('POST', path, { token, body: { application_credential: given } })

function login(credential: { id?: string; name?: string; secret: string; user?: object }, scope?: object) {
  const auth = { identity: { methods: ['application_credential'], application_credential: credential } }
  return identity.call('POST', '/v3/auth/tokens', { body: { auth: { ...auth, ...(scope ? { scope } : {}) } } })
}

test('a credential logs into its project with its roles, by id or by name, and its secret is shown once', async () => {
  const made = await create({ name: 'robot' })
  expect(made.status).toBe(201)
  const { id, secret, roles } = made.body.application_credential
  expect(secret).toHaveLength(86)
  expect(roles.map((role: { name: string }) => role.name)).toEqual(expect.arrayContaining(['member', 'reader']))
  const shown = await identity.call('GET', `${path}/${id}`, { token: demo })
  expect('secret' in shown.body.application_credential).toBe(false)
  const byId = await login({ id, secret })
  expect(byId.status).toBe(201)
  expect(byId.body.token).toMatchObject({
    project: { name: 'demo' },
    methods: ['application_credential'],
    application_credential: { id, name: 'robot', restricted: true },
  })
  const byName = await login({ name: 'robot', secret, user: { id: userId } })
  expect(byName.status).toBe(201)
  expect((await login({ id, secret: 'guess' })).status).toBe(401)
  expect((await login({ id, secret }, projectScope('demo'))).status).toBe(401)
})

test('a token of a credential cannot create credentials, cannot be rescoped, and becomes void with the credential', async () => {
  const { id, secret } = (await create({ name: 'sterile' })).body.application_credential
  const token = (await login({ id, secret })).headers.get('x-subject-token')!
  expect((await create({ name: 'child' }, token)).status).toBe(403)
  const keys = `/v3/users/${userId}/credentials/OS-EC2`
  const projectId = (await identity.call('GET', '/v3/auth/projects', { token: demo })).body.projects[0].id
  expect((await identity.call('POST', keys, { token, body: { tenant_id: projectId } })).status).toBe(403)
  const auth = { identity: { methods: ['token'], token: { id: token } }, scope: projectScope('demo') }
  expect((await identity.call('POST', '/v3/auth/tokens', { body: { auth } })).status).toBe(403)
  expect((await identity.call('DELETE', `${path}/${id}`, { token: demo })).status).toBe(204)
  const look = await identity.call('GET', '/v3/auth/tokens', { token: admin, headers: { 'x-subject-token': token } })
  expect(look.status).toBe(404)
})

test('a token of an unrestricted credential can create credentials', async () => {
  const { id, secret } = (await create({ name: 'free', unrestricted: true })).body.application_credential
  const token = (await login({ id, secret })).headers.get('x-subject-token')!
  expect((await create({ name: 'heir' }, token)).status).toBe(201)
})

test('roles that the user lacks, past times, duplicate names and tokens of other users are refused', async () => {
  expect((await create({ name: 'greedy', roles: [{ name: 'admin' }] })).status).toBe(400)
  expect((await create({ name: 'late', expires_at: '2001-01-01T00:00:00' })).status).toBe(400)
  expect((await create({ name: 'vague', expires_at: 'soon' })).status).toBe(400)
  expect((await create({ name: 'twin' })).status).toBe(201)
  expect((await create({ name: 'twin' })).status).toBe(409)
  expect((await create({ name: 'planted' }, admin)).status).toBe(403)
  const given = '2199-12-31T23:59:58.123456'
  const { expires_at } = (await create({ name: 'exact', expires_at: given })).body.application_credential
  expect(expires_at).toBe(given)
})

test('access rules limit the calls of a token, and cannot be deleted while a credential uses them', async () => {
  const rule = { service: 'identity', method: 'GET', path: '/v3/auth/projects' }
  const { id, secret, access_rules } = (await create({ name: 'narrow', access_rules: [rule] })).body
    .application_credential
  expect(access_rules).toEqual([{ id: expect.any(String), ...rule }])
  const token = (await login({ id, secret })).headers.get('x-subject-token')!
  expect((await identity.call('GET', '/v3/auth/projects', { token })).status).toBe(200)
  expect((await identity.call('GET', '/v3/auth/domains', { token })).status).toBe(401)
  const subject = { 'x-subject-token': token }
  const look = (headers: object) => identity.call('GET', '/v3/auth/tokens', { token: admin, headers })
  expect((await look(subject)).status).toBe(404)
  expect((await look({ ...subject, 'openstack-identity-access-rules': '1.0' })).status).toBe(200)
  const rulePath = `/v3/users/${userId}/access_rules/${access_rules[0].id}`
  expect((await identity.call('DELETE', rulePath, { token: demo })).status).toBe(403)
  await identity.call('DELETE', `${path}/${id}`, { token: demo })
  expect((await identity.call('DELETE', rulePath, { token: demo })).status).toBe(204)
})

test('access rules are refused when they are too many or too long, have too many wildcards or an open brace', async () => {
  const make = (paths: string[], more: object = {}) =>
    create({
      name: 'ruled',
      access_rules: paths.map((one) => ({ service: 'image', method: 'GET', path: one, ...more })),
    })
  expect((await make([`/${'a'.repeat(128)}`])).status).toBe(400)
  expect((await make([`/${'**a'.repeat(9)}`])).body.error.message).toContain('has 9 wildcards; at most 8 are allowed')
  expect((await make(['/v2/{image'])).body.error.message).toContain('has a brace without its partner')
  expect((await make(['/v2'], { method: 'COPY' })).status).toBe(400)
  expect((await make(Array.from({ length: 41 }, (_, index) => `/v2/${index}`))).status).toBe(400)
  const long = Array.from({ length: 40 }, (_, index) => `/v2/${index}/${'a'.repeat(100)}`)
  expect((await make(long)).body.error.message).toMatch(/take \d+ bytes as JSON with their ids; at most 4096/)
  expect((await make(Array.from({ length: 40 }, (_, index) => `/v2/${index}`))).status).toBe(201)
})

test('a user who loses the role loses the credential', async () => {
  const { id, secret } = (await create({ name: 'orphan' })).body.application_credential
  const [role] = (await identity.call('GET', '/v3/roles?name=member', { token: admin })).body.roles
  const [project] = (await identity.call('GET', '/v3/projects?name=demo', { token: admin })).body.projects
  const grant = `/v3/projects/${project.id}/users/${userId}/roles/${role.id}`
  expect((await identity.call('DELETE', grant, { token: admin })).status).toBe(204)
  expect((await login({ id, secret })).status).toBe(401)
})
