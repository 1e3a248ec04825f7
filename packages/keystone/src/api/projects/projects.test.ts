import { afterAll, beforeAll, expect, test } from 'vitest'
import { startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let admin: string

beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
})
afterAll(() => identity.close())

const call = (method: string, path: string, body?: object) =>
  identity.call(method, `/v3${path}`, { token: admin, ...(body ? { body } : {}) })
const create = async (project: object) => (await call('POST', '/projects', { project })).body.project

test('projects form a tree, and a project can show its parents and its subtree', async () => {
  const root = await create({ name: 'root' })
  const middle = await create({ name: 'middle', parent_id: root.id })
  const leaf = await create({ name: 'leaf', parent_id: middle.id })
  expect([root.parent_id, middle.domain_id]).toEqual(['default', 'default'])
  const up = (await call('GET', `/projects/${leaf.id}?parents_as_list`)).body.project.parents
  expect(up.map((one: { project: { name: string } }) => one.project.name)).toEqual(['middle', 'root'])
  const ids = (await call('GET', `/projects/${leaf.id}?parents_as_ids`)).body.project.parents
  expect(ids).toEqual({ [middle.id]: { [root.id]: { default: null } } })
  const down = (await call('GET', `/projects/${root.id}?subtree_as_ids`)).body.project.subtree
  expect(down).toEqual({ [middle.id]: { [leaf.id]: null } })
  expect((await call('DELETE', `/projects/${root.id}`)).status).toBe(403)
  expect((await call('PATCH', `/projects/${root.id}`, { project: { enabled: false } })).status).toBe(403)
  for (const id of [leaf.id, middle.id, root.id]) expect((await call('DELETE', `/projects/${id}`)).status).toBe(204)
})

test('tags are set, added, removed and filtered by', async () => {
  const { id } = await create({ name: 'tagged', tags: ['b', 'a'] })
  expect((await call('PUT', `/projects/${id}/tags/c`)).status).toBe(201)
  expect((await call('GET', `/projects/${id}/tags`)).body.tags).toEqual(['a', 'b', 'c'])
  expect((await call('PUT', `/projects/${id}/tags/${encodeURIComponent('Ā')}`)).status).toBe(201)
  expect((await call('DELETE', `/projects/${id}/tags/${encodeURIComponent('Ā')}`)).status).toBe(204)
  const found = async (query: string) => (await call('GET', `/projects?${query}`)).body.projects.length
  expect([await found('tags=a,c'), await found('tags=a,x'), await found('tags-any=x,c')]).toEqual([1, 0, 1])
  expect((await call('DELETE', `/projects/${id}/tags/x`)).status).toBe(404)
  expect((await call('PUT', `/projects/${id}/tags`, { tags: ['one,two'] })).status).toBe(400)
  expect((await call('DELETE', `/projects/${id}/tags`)).status).toBe(204)
})

test('a domain is also a project, must be disabled before it is deleted, and is deleted with everything in it', async () => {
  const domain = (await call('POST', '/domains', { domain: { name: 'acme' } })).body.domain
  const user = (await call('POST', '/users', { user: { name: 'demo', domain_id: domain.id } })).body.user
  const project = await create({ name: 'demo', domain_id: domain.id })
  expect((await call('GET', `/projects/${domain.id}`)).body.project).toMatchObject({ is_domain: true, domain_id: null })
  expect((await call('DELETE', `/domains/${domain.id}`)).status).toBe(403)
  await call('PATCH', `/domains/${domain.id}`, { domain: { enabled: false } })
  expect((await call('DELETE', `/domains/${domain.id}`)).status).toBe(204)
  for (const path of [`/users/${user.id}`, `/projects/${project.id}`, `/domains/${domain.id}`])
    expect((await call('GET', path)).status).toBe(404)
})

test('names are unique in their domain and at most 64 characters long', async () => {
  const post = async (project: object) => (await call('POST', '/projects', { project })).status
  expect(await post({ name: 'demo' })).toBe(409)
  expect(await post({ name: 'x'.repeat(65) })).toBe(400)
  expect(await post({ name: 'orphan', parent_id: 'nobody' })).toBe(404)
})

test('an association with an empty endpoint id gets 404', async () => {
  const { id } = await create({ name: 'associated' })
  expect((await call('GET', `/OS-EP-FILTER/projects/${id}/endpoints//`)).status).toBe(404)
})

test('domain names are found and unique without regard to case', async () => {
  const body = (domain: string) => {
    const user = { name: 'admin', password: 'secret-a', domain: { name: domain } }
    const scope = { project: { name: 'admin', domain: { name: domain } } }
    return { auth: { identity: { methods: ['password'], password: { user } }, scope } }
  }
  const logIn = async (domain: string) => {
    const { status, body: reply } = await identity.call('POST', '/v3/auth/tokens', { body: body(domain) })
    return [status, reply.token?.user.domain.name]
  }
  expect(await logIn('Default')).toEqual([201, 'Default'])
  expect(await logIn('default')).toEqual([201, 'Default'])
  expect(await logIn('DEFAULT')).toEqual([201, 'Default'])
  expect(await logIn('defaults')).toEqual([401, undefined])
  const named = async (name: string) => (await call('GET', `/domains?name=${name}`)).body.domains.length
  expect([await named('default'), await named('Default'), await named('other')]).toEqual([1, 1, 0])
  expect((await call('POST', '/domains', { domain: { name: 'dEFAULT' } })).status).toBe(409)
  const { domain } = (await call('POST', '/domains', { domain: { name: 'Annex' } })).body
  expect((await call('PATCH', `/domains/${domain.id}`, { domain: { name: 'default' } })).status).toBe(409)
  expect((await call('PATCH', `/domains/${domain.id}`, { domain: { name: 'ANNEX' } })).status).toBe(200)
})
