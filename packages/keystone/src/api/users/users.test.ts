import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectScope, startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let admin: string

beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
})
afterAll(() => identity.close())

const create = (user: object) => identity.call('POST', '/v3/users', { token: admin, body: { user } })
const names = (response: { body: { users: { name: string }[] } }) => response.body.users.map((user) => user.name).sort()

test('unknown attributes are stored and returned with the others', async () => {
  const made = await create({ name: 'ann', email: 'ann@example.org', description: 'Ann', shoe_size: 38 })
  expect(made.status).toBe(201)
  const { user } = (await identity.call('GET', `/v3/users/${made.body.user.id}`, { token: admin })).body
  expect(user).toEqual(made.body.user)
  expect(user).toMatchObject({ email: 'ann@example.org', shoe_size: 38, domain_id: 'default', enabled: true })
  expect(user.links.self).toBe(`${identity.url}/v3/users/${user.id}`)
  expect('password' in user || 'default_project_id' in user).toBe(false)
})

test('a name that is too long, empty or taken is refused', async () => {
  expect((await create({ name: 'x'.repeat(256) })).status).toBe(400)
  expect((await create({ name: '' })).status).toBe(400)
  expect((await create({ name: '   ' })).status).toBe(400)
  const taken = await create({ name: 'demo' })
  expect([taken.status, taken.body.error.title]).toEqual([409, 'Conflict'])
  expect((await create({ name: 'lost', domain_id: 'nowhere' })).status).toBe(404)
  expect((await create({ name: 'odd', enabled: 'False' })).status).toBe(400)
})

test('lists of users have exact and inexact filters and pages', async () => {
  for (const name of ['page-1', 'page-2', 'PAGE-3']) await create({ name, enabled: name !== 'page-2' })
  const list = (query: string) => identity.call('GET', `/v3/users?${query}`, { token: admin })
  expect(names(await list('name=page-1'))).toEqual(['page-1'])
  expect(names(await list('name__startswith=page'))).toEqual(['page-1', 'page-2'])
  expect(names(await list('name__icontains=page'))).toEqual(['PAGE-3', 'page-1', 'page-2'])
  expect(names(await list('enabled=False'))).toEqual(['page-2'])
  const inexact = await list('name__icontains=page&limit=2')
  expect([inexact.body.users.length, typeof inexact.body.links.next]).toEqual([2, 'string'])
  const seen: string[] = []
  let url: string | null = '/v3/users?limit=3'
  while (url) {
    const { body } = await identity.call('GET', url, { token: admin })
    seen.push(...body.users.map((user: { id: string }) => user.id))
    url = body.links.next?.slice(identity.url.length) ?? null
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.length).toBe((await list('')).body.users.length)
})

test('a member can see itself and no other user', async () => {
  const demo = await identity.login('demo', 'secret-d', projectScope('demo'))
  const { users } = (await identity.call('GET', '/v3/users', { token: admin })).body
  const idOf = (name: string) => users.find((user: { name: string }) => user.name === name).id
  expect((await identity.call('GET', `/v3/users/${idOf('demo')}`, { token: demo })).status).toBe(200)
  expect((await identity.call('GET', `/v3/users/${idOf('admin')}`, { token: demo })).status).toBe(403)
  expect((await identity.call('GET', '/v3/users', { token: demo })).status).toBe(403)
  const mine = await identity.call('GET', `/v3/users/${idOf('demo')}/projects`, { token: demo })
  expect(mine.body.projects.map((project: { name: string }) => project.name)).toEqual(['demo'])
})

test('a renamed user keeps its attributes, cannot change its domain, and is not found after its deletion', async () => {
  const { id } = (await create({ name: 'bob', email: 'b@example.org' })).body.user
  const patch = (user: object) => identity.call('PATCH', `/v3/users/${id}`, { token: admin, body: { user } })
  expect((await patch({ name: 'rob', nick: 'r' })).body.user).toMatchObject({
    name: 'rob',
    nick: 'r',
    email: 'b@example.org',
  })
  expect((await patch({ name: 'demo' })).status).toBe(409)
  expect((await patch({ domain_id: 'other' })).status).toBe(400)
  expect((await identity.call('DELETE', `/v3/users/${id}`, { token: admin })).status).toBe(204)
  expect((await identity.call('GET', `/v3/users/${id}`, { token: admin })).status).toBe(404)
})

test('bodies that are not JSON, unknown paths and methods return errors in Keystone’s envelope', async () => {
  const bad = await fetch(`${identity.url}/v3/users`, {
    method: 'POST',
    headers: { 'x-auth-token': admin, 'content-type': 'application/json' },
    body: '{',
  })
  expect([bad.status, ((await bad.json()) as { error: { code: number } }).error.code]).toEqual([400, 400])
  expect((await identity.call('GET', '/v3/nothing', { token: admin })).body.error.code).toBe(404)
  expect((await identity.call('PUT', '/v3/users', { token: admin })).body.error.code).toBe(405)
  expect((await identity.call('GET', '/v3/users/', { token: admin })).status).toBe(200)
  expect((await identity.call('GET', '/v3/users')).status).toBe(401)
  const behind = await identity.call('GET', '/identity/v3/users', { token: admin })
  expect(behind.body.links.self).toBe(`${identity.url}/identity/v3/users`)
  expect(behind.headers.get('vary')).toBe('X-Auth-Token')
})
