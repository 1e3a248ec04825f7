import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForTests, type TestService } from '../../start-for-tests.ts'

let glance: TestService
beforeAll(async () => {
  glance = await startForTests()
})
afterAll(() => glance.close())

const newPatch = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
const oldPatch = { 'content-type': 'application/openstack-images-v2.0-json-patch' }
const patch = async (token: string, id: string, body: unknown, headers = newPatch) =>
  glance.call(token, 'PATCH', `/v2/images/${id}`, Buffer.from(JSON.stringify(body)), headers)

test('a new image is queued, shared and its project’s, with custom properties beside the rest', async () => {
  const response = await glance.call('alpha', 'POST', '/v2/images', {
    name: 'one',
    os_distro: 'debian',
    tags: ['b', 'a', 'b'],
  })
  expect(response.status).toBe(201)
  const image = (await response.json()) as Record<string, unknown>
  expect(image).toMatchObject({
    name: 'one',
    status: 'queued',
    visibility: 'shared',
    owner: 'alpha',
    os_distro: 'debian',
    tags: ['a', 'b'],
    size: null,
    checksum: null,
    protected: false,
    os_hidden: false,
    min_ram: 0,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
  })
  expect(image.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(response.headers.get('location')).toBe(`${glance.url}/v2/images/${image.id}`)
  expect(response.headers.get('openstack-image-store-ids')).toBe('main,spare')
  expect(await glance.json('alpha', 'GET', `/v2.5/images/${image.id}`)).toEqual(image)
})

test.each([
  [{ name: 'a'.repeat(300) }, 400],
  [{ visibility: 'secret' }, 400],
  [{ min_disk: -1 }, 400],
  [{ min_disk: 'much' }, 400],
  [{ disk_format: 'floppy' }, 400],
  [{ container_format: 'bag' }, 400],
  [{ size_of_shoe: 43 }, 400],
  [{ id: 'mine' }, 400],
  [{ tags: ['x'.repeat(256)] }, 400],
  [{ status: 'active' }, 403],
  [{ size: 3 }, 403],
  [{ os_glance_secret: 'x' }, 403],
  [{ deleted: 'x' }, 403],
  [{ owner: 'beta' }, 403],
  [{ visibility: 'public' }, 403],
  [{ tags: Array.from({ length: 129 }, (_, i) => `t${i}`) }, 413],
  [Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`p${i}`, 'x'])), 413],
])('a body %j is refused', async (body, status) => {
  expect((await glance.call('alpha', 'POST', '/v2/images', body)).status).toBe(status)
})

test('a body that is not JSON is 400 and readers may not create', async () => {
  const headers = { 'content-type': 'application/json' }
  expect((await glance.call('alpha', 'POST', '/v2/images', '{', headers)).status).toBe(400)
  expect((await glance.call('alpha+reader', 'POST', '/v2/images', {})).status).toBe(403)
  expect((await glance.call('nobody', 'POST', '/v2/images', {})).status).toBe(401)
})

test('errors are web pages, or JSON for those who ask for it', async () => {
  const path = '/v2/images/00000000-0000-0000-0000-000000000000'
  const page = await glance.call('alpha', 'GET', path)
  expect(page.status).toBe(404)
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(await page.text()).toContain('<h1>404 Not Found</h1>\n  No image found with ID 0000')
  const json = await glance.call('alpha', 'GET', path, undefined, { accept: 'application/json' })
  expect(await json.json()).toMatchObject({ code: '404 Not Found', title: 'Not Found' })
  expect(json.headers.get('x-openstack-request-id')).toMatch(/^req-/)
})

test('a chosen id is taken once and for ever', async () => {
  const id = '3f3b2a10-0000-4000-8000-00000000000a'
  await glance.image('alpha', { id })
  expect((await glance.call('alpha', 'POST', '/v2/images', { id })).status).toBe(409)
  expect((await glance.call('alpha', 'DELETE', `/v2/images/${id}`)).status).toBe(204)
  expect((await glance.call('alpha', 'GET', `/v2/images/${id}`)).status).toBe(404)
  expect((await glance.call('alpha', 'POST', '/v2/images', { id })).status).toBe(409)
})

test('who may see an image: its owner, admins, members of a shared one, everybody a public or community one', async () => {
  const status = async (token: string, id: string) => (await glance.call(token, 'GET', `/v2/images/${id}`)).status
  const [mine, shared, community] = await Promise.all([
    glance.image('alpha', { visibility: 'private' }),
    glance.image('alpha'),
    glance.image('alpha', { visibility: 'community' }),
  ])
  const open = await glance.image('alpha+admin', { visibility: 'public' })
  await glance.json('alpha', 'POST', `/v2/images/${shared}/members`, { member: 'beta' })
  expect(await Promise.all([mine, shared, community, open].map((id) => status('alpha', id)))).toEqual([
    200, 200, 200, 200,
  ])
  expect(await Promise.all([mine, shared, community, open].map((id) => status('gamma+admin', id)))).toEqual([
    200, 200, 200, 200,
  ])
  expect(await Promise.all([mine, shared, community, open].map((id) => status('beta', id)))).toEqual([
    404, 200, 200, 200,
  ])
  expect(await Promise.all([mine, shared, community, open].map((id) => status('gamma', id)))).toEqual([
    404, 404, 200, 200,
  ])
  expect((await glance.call('gamma', 'DELETE', `/v2/images/${open}`)).status).toBe(403)
  expect((await glance.call('gamma', 'DELETE', `/v2/images/${mine}`)).status).toBe(404)
  expect((await patch('beta', shared, [{ op: 'replace', path: '/name', value: 'x' }])).status).toBe(403)
})

test('changes in either patch language are saved all or none', async () => {
  const id = await glance.image('alpha', { os_distro: 'debian' })
  const changed = await patch('alpha', id, [
    { op: 'replace', path: '/name', value: 'new' },
    { op: 'add', path: '/os_distro', value: 'devuan' },
    { op: 'add', path: '/a~1b', value: 'slash' },
    { op: 'add', path: '/tags', value: ['x'] },
  ])
  expect(changed.status).toBe(200)
  expect(await changed.json()).toMatchObject({ name: 'new', os_distro: 'devuan', 'a/b': 'slash', tags: ['x'] })
  const old = await patch('alpha', id, [{ replace: '/min_ram', value: 64 }, { remove: '/a~1b' }], oldPatch)
  expect(await old.json()).toMatchObject({ min_ram: 64, name: 'new' })
  const failed = await patch('alpha', id, [
    { op: 'replace', path: '/name', value: 'never' },
    { op: 'remove', path: '/missing' },
  ])
  expect(failed.status).toBe(409)
  expect(await glance.json('alpha', 'GET', `/v2/images/${id}`)).toMatchObject({ name: 'new' })
})

test.each([
  [[{ op: 'move', path: '/name', from: '/x' }], 400],
  [[{ op: 'add', path: '/name' }], 400],
  [[{ op: 'add', path: 'name', value: 'x' }], 400],
  [[{ op: 'add', path: '/name/', value: 'x' }], 400],
  [[{ op: 'add', path: '/tags/0', value: 'x' }], 400],
  [[{ op: 'add', path: '/a~2', value: 'x' }], 400],
  [[{ op: 'replace', path: '/name', value: 7 }], 400],
  [[{ op: 'replace', path: '/min_ram', value: -7 }], 400],
  [[{ op: 'add', path: '/colour', value: 7 }], 400],
  [[{ op: 'replace', path: '/colour', value: 'x' }], 409],
  [[{ op: 'replace', path: '/status', value: 'active' }], 403],
  [[{ op: 'replace', path: '/id', value: 'x' }], 403],
  [[{ op: 'add', path: '/os_glance_x', value: 'x' }], 403],
  [[{ op: 'remove', path: '/name' }], 403],
  [[{ op: 'replace', path: '/owner', value: 'beta' }], 403],
  [[{ op: 'replace', path: '/visibility', value: 'public' }], 403],
  [[{ op: 'add', path: '/locations/-', value: { url: 'file:///etc/passwd', metadata: {} } }], 403],
  [{ op: 'add', path: '/name', value: 'x' }, 400],
])('the patch %j is refused', async (body, status) => {
  const id = await glance.image('alpha')
  expect((await patch('alpha', id, body)).status).toBe(status)
})

test('another media type is refused with the ones accepted, and an existing property cannot be added in the old language', async () => {
  const id = await glance.image('alpha', { colour: 'red' })
  const response = await glance.call('alpha', 'PATCH', `/v2/images/${id}`, [])
  expect(response.status).toBe(415)
  expect(response.headers.get('accept-patch')).toContain('openstack-images-v2.1-json-patch')
  expect((await glance.call('alpha', 'PATCH', `/v2/images/${id}`, 'x', { 'content-type': 'text/plain' })).status).toBe(
    415,
  )
  expect((await patch('alpha', id, [{ add: '/colour', value: 'blue' }], oldPatch)).status).toBe(409)
})

test('a protected image is not deleted until it is unprotected', async () => {
  const id = await glance.image('alpha', { protected: true })
  expect((await glance.call('alpha', 'DELETE', `/v2/images/${id}`)).status).toBe(403)
  await patch('alpha', id, [{ op: 'replace', path: '/protected', value: false }])
  expect((await glance.call('alpha', 'DELETE', `/v2/images/${id}`)).status).toBe(204)
})

test('tags are put and deleted one by one', async () => {
  const id = await glance.image('alpha')
  const tag = (method: string, name: string) => glance.call('alpha', method, `/v2/images/${id}/tags/${name}`)
  expect((await tag('PUT', 'blue')).status).toBe(204)
  expect((await tag('PUT', 'blue')).status).toBe(204)
  expect((await tag('PUT', 'x'.repeat(256))).status).toBe(400)
  expect((await glance.json('alpha', 'GET', `/v2/images/${id}`)).tags).toEqual(['blue'])
  expect((await tag('DELETE', 'green')).status).toBe(404)
  expect((await tag('DELETE', 'blue')).status).toBe(204)
})

test('a wrong method is 405 with the right ones, a path without a version gets the versions', async () => {
  const wrong = await glance.call('alpha', 'PUT', '/v2/images')
  expect(wrong.status).toBe(405)
  expect(wrong.headers.get('allow')).toBe('GET, POST')
  expect((await glance.call('alpha', 'GET', '/v2/nothing')).status).toBe(404)
  for (const [path, status] of [
    ['/', 300],
    ['/versions', 200],
    ['/elsewhere', 300],
  ] as const) {
    const response = await fetch(glance.url + path)
    expect(response.status).toBe(status)
    const { versions } = (await response.json()) as {
      versions: { id: string; status: string; links: { href: string }[] }[]
    }
    expect(versions[0]).toMatchObject({
      id: 'v2.17',
      status: 'CURRENT',
      links: [{ rel: 'self', href: `${glance.url}/v2/` }],
    })
  }
})

test('users cannot make the service fetch addresses unless the operator lets them', async () => {
  const id = await glance.image('alpha')
  const url = 'http://example.org/image'
  expect((await glance.call('alpha', 'POST', `/v2/images/${id}/locations`, { url })).status).toBe(400)
})

test('the service describes itself: schemas, stores, usage, import methods', async () => {
  expect(await glance.json('alpha', 'GET', '/v2/schemas/image')).toMatchObject({
    name: 'image',
    additionalProperties: { type: 'string' },
  })
  expect(await glance.json('alpha', 'GET', '/v2/schemas/metadefs/resource_types')).toMatchObject({
    name: 'resource_type_associations',
  })
  expect(await glance.json('alpha', 'GET', '/v2/info/stores')).toEqual({
    stores: [{ id: 'main', default: 'true' }, { id: 'spare' }],
  })
  expect((await glance.call('alpha', 'GET', '/v2/info/stores/detail')).status).toBe(403)
  expect(await glance.json('alpha', 'GET', '/v2/info/usage')).toMatchObject({
    usage: { image_size_total: { limit: -1 } },
  })
})

test('sharing: the owner adds members, the member answers, outsiders see nothing', async () => {
  const id = await glance.image('alpha')
  const members = `/v2/images/${id}/members`
  const added = await glance.json('alpha', 'POST', members, { member: 'beta' })
  expect(added).toMatchObject({ member_id: 'beta', image_id: id, status: 'pending', schema: '/v2/schemas/member' })
  expect((await glance.call('alpha', 'POST', members, { member: 'beta' })).status).toBe(409)
  expect((await glance.call('alpha', 'PUT', `${members}/beta`, { status: 'accepted' })).status).toBe(403)
  expect((await glance.call('beta', 'PUT', `${members}/beta`, { status: 'maybe' })).status).toBe(400)
  expect(await glance.json('beta', 'PUT', `${members}/beta`, { status: 'accepted' })).toMatchObject({
    status: 'accepted',
  })
  await glance.json('alpha', 'POST', members, { member: 'delta' })
  expect((await glance.json('alpha', 'GET', members)).members).toHaveLength(2)
  expect((await glance.json('beta', 'GET', members)).members).toHaveLength(1)
  expect((await glance.call('beta', 'GET', `${members}/delta`)).status).toBe(404)
  expect((await glance.call('gamma', 'GET', members)).status).toBe(404)
  expect((await glance.call('beta', 'DELETE', `${members}/beta`)).status).toBe(403)
  expect((await glance.call('alpha', 'DELETE', `${members}/beta`)).status).toBe(204)
  expect((await glance.call('beta', 'GET', `/v2/images/${id}`)).status).toBe(404)
  const own = await glance.image('alpha', { visibility: 'private' })
  expect((await glance.call('alpha', 'POST', `/v2/images/${own}/members`, { member: 'beta' })).status).toBe(403)
})

test.each(Object.getOwnPropertyNames(Object.prototype))(
  'a property may be named %s: it is stored, filtered by, patched and removed like any other',
  async (name) => {
    const body = Buffer.from(`{"name":"plain","${name}":"first"}`)
    const made = await glance.call('alpha', 'POST', '/v2/images', body, { 'content-type': 'application/json' })
    expect(made.status).toBe(201)
    const { id } = (await made.json()) as { id: string }
    const read = async () => {
      const image = await glance.json('alpha', 'GET', `/v2/images/${id}`)
      return Object.hasOwn(image, name) ? image[name] : undefined
    }
    expect(await read()).toBe('first')
    const filtered = await glance.json('alpha', 'GET', `/v2/images?${name}=first`)
    expect((filtered.images as { id: string }[]).map((image) => image.id)).toEqual([id])
    expect((await patch('alpha', id, [{ op: 'replace', path: `/${name}`, value: 'second' }])).status).toBe(200)
    expect(await read()).toBe('second')
    expect((await patch('alpha', id, [{ op: 'replace', path: `/${name}`, value: 7 }])).status).toBe(400)
    expect((await patch('alpha', id, [{ op: 'remove', path: `/${name}` }])).status).toBe(200)
    expect(await read()).toBe(undefined)
    expect((await patch('alpha', id, [{ op: 'remove', path: `/${name}` }])).status).toBe(409)
  },
)
