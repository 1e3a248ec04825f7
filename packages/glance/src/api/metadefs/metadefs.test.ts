import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForTests, type TestService } from '../../start-for-tests.ts'

let glance: TestService
beforeAll(async () => {
  glance = await startForTests()
})
afterAll(() => glance.close())

const root = '/v2/metadefs/namespaces'
const admin = (method: string, path: string, body?: unknown) => glance.call('alpha+admin', method, root + path, body)
const read = (path: string, token = 'alpha+admin') => glance.json(token, 'GET', root + path)

test('a namespace is made with all it holds, renamed, protected and deleted', async () => {
  const body = {
    namespace: 'OS::Test',
    visibility: 'public',
    protected: true,
    resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_' }],
    properties: { cores: { title: 'Cores', type: 'integer', minimum: 1 } },
    objects: [{ name: 'cpu', description: 'the processor' }],
    tags: [{ name: 'fast' }],
  }
  const created = await admin('POST', '', body)
  expect(created.status).toBe(201)
  expect(created.headers.get('location')).toBe(`${glance.url}${root}/OS%3A%3ATest`)
  const shown = await read('/OS::Test?resource_type=OS::Glance::Image', 'beta')
  expect(shown).toMatchObject({
    namespace: 'OS::Test',
    owner: 'alpha',
    resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_' }],
    properties: { hw_cores: { title: 'Cores' } },
    objects: [{ name: 'cpu' }],
    tags: [{ name: 'fast' }],
  })
  expect((await admin('POST', '', { namespace: 'OS::Test' })).status).toBe(409)
  expect((await admin('DELETE', '/OS::Test')).status).toBe(403)
  const renamed = await admin('PUT', '/OS::Test', { namespace: 'OS::New', protected: false })
  expect(await renamed.json()).toMatchObject({ namespace: 'OS::New', protected: false, visibility: 'public' })
  expect(await read('/OS::New/properties/hw_cores?resource_type=OS::Glance::Image')).toMatchObject({ title: 'Cores' })
  expect((await admin('DELETE', '/OS::New')).status).toBe(204)
  expect((await admin('GET', '/OS::New')).status).toBe(404)
})

test('private namespaces are their project’s, and only admins write', async () => {
  await admin('POST', '', { namespace: 'mine' })
  await admin('POST', '', { namespace: 'open', visibility: 'public' })
  expect((await glance.call('alpha', 'GET', `${root}/mine`)).status).toBe(200)
  expect((await glance.call('beta', 'GET', `${root}/mine`)).status).toBe(404)
  expect((await glance.call('beta', 'GET', `${root}/open`)).status).toBe(200)
  const names = ((await read('', 'beta')).namespaces as { namespace: string }[]).map((each) => each.namespace)
  expect(names).toEqual(['open'])
  expect((await glance.call('beta', 'POST', root, { namespace: 'x' })).status).toBe(403)
  expect((await glance.call('beta', 'POST', `${root}/open/tags/x`)).status).toBe(403)
  expect((await admin('POST', '', { namespace: 'n'.repeat(81) })).status).toBe(400)
})

test.each([
  ['objects', { name: 'one', required: [] }, { name: 'two', required: ['a'] }],
  ['properties', { name: 'one', title: 'One', type: 'string' }, { name: 'two', title: 'Two', type: 'integer' }],
  ['tags', { name: 'one' }, { name: 'two' }],
])('%s are made, renamed and deleted one by one or all at once', async (kind, first, second) => {
  const space = `/space-${kind}`
  await admin('POST', '', { namespace: space.slice(1) })
  const all = `${space}/${kind}`
  const create = () => (kind === 'tags' ? admin('POST', `${all}/one`) : admin('POST', all, first))
  expect((await create()).status).toBe(201)
  expect((await create()).status).toBe(409)
  expect(await read(`${all}/one`)).toMatchObject(first)
  expect(await (await admin('PUT', `${all}/one`, second)).json()).toMatchObject(second)
  expect((await admin('GET', `${all}/one`)).status).toBe(404)
  expect(Object.keys((await read(all))[kind] as object)).toHaveLength(1)
  expect((await admin('DELETE', `${all}/two`)).status).toBe(204)
  expect((await admin('DELETE', `${all}/two`)).status).toBe(404)
  await create()
  expect((await admin('DELETE', all)).status).toBe(204)
  expect(Object.keys((await read(all))[kind] as object)).toHaveLength(0)
})

test('many tags at once replace those there are, or come in addition', async () => {
  await admin('POST', '', { namespace: 'tagged' })
  const put = (names: string[], headers = {}) =>
    glance.call('alpha+admin', 'POST', `${root}/tagged/tags`, { tags: names.map((name) => ({ name })) }, headers)
  expect((await put(['a', 'b'])).status).toBe(201)
  await put(['c'])
  await put(['d'], { 'x-openstack-append': 'True' })
  expect(((await read('/tagged/tags')).tags as { name: string }[]).map((tag) => tag.name)).toEqual(['c', 'd'])
})

test('resource types are associated and dissociated', async () => {
  const { resource_types: types } = await glance.json('alpha', 'GET', '/v2/metadefs/resource_types')
  expect(types).toContainEqual(expect.objectContaining({ name: 'OS::Glance::Image' }))
  await admin('POST', '', { namespace: 'typed' })
  expect((await admin('POST', '/typed/resource_types', { name: 'OS::Cinder::Volume' })).status).toBe(201)
  expect((await admin('POST', '/typed/resource_types', { name: 'OS::Cinder::Volume' })).status).toBe(409)
  const { namespaces } = await read('?resource_types=OS::Cinder::Volume')
  expect(namespaces).toMatchObject([{ namespace: 'typed' }])
  expect((await admin('DELETE', '/typed/resource_types/OS::Cinder::Volume')).status).toBe(204)
  expect((await read('/typed/resource_types')).resource_type_associations).toEqual([])
})
