import { expect, test } from 'vitest'
import { login } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin, demo } = suite()

function authenticate(body: unknown): Promise<Response> {
  return fetch(`${urls.identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
const json = async (response: Response): Promise<any> => response.json()

const byPassword = (password: string, scope?: unknown): unknown => ({
  auth: {
    identity: {
      methods: ['password'],
      password: { user: { name: demo.username, password, domain: { name: 'Default' } } },
    },
    ...(scope === undefined ? {} : { scope }),
  },
})

test('the root tells the version, reachable without a token', async () => {
  const root = await fetch(urls.identity.replace('/v3', '/'))
  expect(root.status).toBe(300)
  expect((await json(root)).versions.values[0]).toMatchObject({ id: expect.stringMatching(/^v3\./), status: 'stable' })
  expect((await json(await fetch(urls.identity))).version.links[0].href).toContain('/v3')
})

test('a project-scoped token carries roles and a catalog with every service under the names clients look for', async () => {
  const response = await authenticate(
    byPassword(demo.password, { project: { name: 'demo', domain: { id: 'default' } } }),
  )
  expect(response.status).toBe(201)
  const { token } = await json(response)
  expect(token.roles.map((role: { name: string }) => role.name).sort()).toEqual(['member', 'reader'])
  const types = token.catalog.map((service: { type: string }) => service.type)
  expect(types).toEqual(expect.arrayContaining(['identity', 'image', 'object-store', 'block-storage', 'volumev3']))
  const store = token.catalog.find((service: { type: string }) => service.type === 'object-store')
  expect(store.endpoints[0]).toMatchObject({ region: 'RegionOne', url: expect.stringContaining(token.project.id) })
})

test('a wrong password is refused without detail', async () => {
  const response = await authenticate(byPassword('wrong'))
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toContain('Keystone uri=')
  expect((await json(response)).error).toMatchObject({ code: 401, title: 'Unauthorized' })
})

test('a body that is not JSON is refused', async () => {
  const response = await fetch(`${urls.identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"auth":',
  })
  expect(response.status).toBe(400)
})

test('a scope nobody has a role on is refused', async () => {
  const response = await authenticate(
    byPassword(demo.password, { project: { name: 'admin', domain: { id: 'default' } } }),
  )
  expect(response.status).toBe(401)
})

test('a revoked token is void at every service', async () => {
  const client = await login(urls, demo)
  expect((await client.call('volume', 'GET', '/volumes')).status).toBe(200)
  const revoked = await client.call('identity', 'DELETE', '/auth/tokens', {
    headers: { 'x-subject-token': client.token },
  })
  expect(revoked.status).toBe(204)
  await expect
    .poll(
      async () => {
        const answers = await Promise.all([
          client.call('volume', 'GET', '/volumes'),
          client.call('image', 'GET', '/images'),
          client.call('object', 'GET', ''),
          client.call('identity', 'GET', '/auth/projects'),
        ])
        return answers.map((answer) => answer.status)
      },
      { timeout: 5000 },
    )
    .toEqual([401, 401, 401, 401])
})

test('an application credential logs in without a scope, and not at all when one is asked for', async () => {
  const client = await login(urls, demo)
  const created = await client.must('identity', 'POST', `/users/${client.userId}/application_credentials`, {
    json: { application_credential: { name: `app-${Date.now()}` } },
  })
  const { id, secret } = created.body.application_credential
  const identity = { methods: ['application_credential'], application_credential: { id, secret } }
  const response = await authenticate({ auth: { identity } })
  expect(response.status).toBe(201)
  expect((await json(response)).token.project.name).toBe('demo')
  expect((await authenticate({ auth: { identity, scope: 'unscoped' } })).status).toBe(401)
  await client.must('identity', 'DELETE', `/users/${client.userId}/application_credentials/${id}`)
  expect((await authenticate({ auth: { identity } })).status).toBe(401)
})

test('users, projects and grants made by an administrator let a person log in, until the grant is taken', async () => {
  const client = await login(urls, admin)
  const name = `person-${Date.now()}`
  const project = (await client.must('identity', 'POST', '/projects', { json: { project: { name } } })).body.project
  const user = (await client.must('identity', 'POST', '/users', { json: { user: { name, password: 'pw-of-person' } } }))
    .body.user
  const roles = (await client.must('identity', 'GET', '/roles?name=member')).body.roles
  const grant = `/projects/${project.id}/users/${user.id}/roles/${roles[0].id}`
  expect((await client.call('identity', 'PUT', grant)).status).toBe(204)
  const person = await login(urls, { username: name, password: 'pw-of-person', project: name })
  expect((await person.call('volume', 'GET', '/volumes')).status).toBe(200)
  expect((await client.call('identity', 'DELETE', grant)).status).toBe(204)
  await expect.poll(async () => (await person.call('volume', 'GET', '/volumes')).status, { timeout: 5000 }).toBe(401)
})
