import { afterAll, beforeAll, expect, test } from 'vitest'
import { passwordAuth, projectScope, startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let admin: string
let demo: string
const ids: Record<string, string> = {}

beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
  demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  for (const user of (await identity.call('GET', '/v3/users', { token: admin })).body.users) ids[user.name] = user.id
  ids.project = (await identity.call('GET', '/v3/projects?name=demo', { token: admin })).body.projects[0].id
})
afterAll(() => identity.close())

const create = (more: object, token = demo) => {
  const trust = { trustor_user_id: ids.demo, trustee_user_id: ids.glance, project_id: ids.project, impersonation: true }
  const body = { trust: { ...trust, roles: [{ name: 'member' }], ...more } }
  return identity.call('POST', '/v3/OS-TRUST/trusts', { token, body })
}
const use = (id: string, user = 'glance', password = 'secret-g') =>
  identity.call('POST', '/v3/auth/tokens', { body: passwordAuth(user, password, { 'OS-TRUST:trust': { id } }) })

test('a trustee gets a token of the trustor with the delegated roles', async () => {
  const { trust } = (await create({})).body
  const response = await use(trust.id)
  expect(response.status).toBe(201)
  expect(response.body.token).toMatchObject({
    user: { name: 'demo' },
    project: { id: ids.project },
    'OS-TRUST:trust': { id: trust.id, trustee_user: { id: ids.glance }, impersonation: true },
  })
  expect('is_domain' in response.body.token).toBe(false)
  expect((await use(trust.id, 'cinder', 'secret-c')).status).toBe(401)
})

test('without impersonation the token is for the trustee', async () => {
  const { trust } = (await create({ impersonation: false })).body
  expect((await use(trust.id)).body.token.user.name).toBe('glance')
})

test('deleting a trust revokes its tokens and no others', async () => {
  const { trust } = (await create({})).body
  const token = (await use(trust.id)).headers.get('x-subject-token')!
  const deletion = await identity.call('DELETE', `/v3/OS-TRUST/trusts/${trust.id}`, { token: demo })
  expect(deletion.status).toBe(204)
  const look = await identity.call('GET', '/v3/auth/tokens', { token: admin, headers: { 'x-subject-token': token } })
  expect(look.status).toBe(404)
  expect((await identity.call('GET', '/v3/auth/projects', { token: demo })).status).toBe(200)
  expect((await use(trust.id)).status).toBe(401)
})

test('a trust with one remaining use can be used once', async () => {
  const { trust } = (await create({ remaining_uses: 1 })).body
  expect((await use(trust.id)).status).toBe(201)
  expect((await use(trust.id)).status).toBe(401)
})

test('a user cannot delegate roles of another user, roles that the user lacks, or delegated roles', async () => {
  expect((await create({ trustor_user_id: ids.cinder })).status).toBe(403)
  expect((await create({ roles: [{ name: 'admin' }] })).status).toBe(404)
  expect((await create({ trustee_user_id: 'nobody' })).status).toBe(404)
  expect((await create({ expires_at: 'bad.123Z' })).status).toBe(400)
  const { trust } = (await create({})).body
  const token = (await use(trust.id)).headers.get('x-subject-token')!
  expect((await create({}, token)).status).toBe(403)
  const auth = { identity: { methods: ['token'], token: { id: token } }, scope: { project: { id: ids.project } } }
  expect((await identity.call('POST', '/v3/auth/tokens', { body: { auth } })).status).toBe(403)
})

test('a user can list only the trusts where the user is trustor or trustee', async () => {
  await create({})
  const list = (query: string, token: string) => identity.call('GET', `/v3/OS-TRUST/trusts${query}`, { token })
  expect((await list(`?trustor_user_id=${ids.demo}`, demo)).body.trusts.length).toBeGreaterThan(0)
  expect((await list('', demo)).status).toBe(403)
  expect((await list(`?trustor_user_id=${ids.admin}`, demo)).status).toBe(403)
  expect((await list('', admin)).status).toBe(200)
})
