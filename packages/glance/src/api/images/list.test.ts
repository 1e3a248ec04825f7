import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForTests, type TestService } from '../../start-for-tests.ts'

let glance: TestService
const ids: Record<string, string> = {}
beforeAll(async () => {
  glance = await startForTests()
  ids.one = await glance.image('alpha', {
    name: 'one',
    tags: ['red', 'big'],
    os_distro: 'debian',
    disk_format: 'qcow2',
  })
  ids.two = await glance.image('alpha', { name: 'two', tags: ['red'], protected: true })
  ids.three = await glance.image('alpha', { name: 'a,b', visibility: 'private', min_disk: 3 })
  ids.hidden = await glance.image('alpha', { name: 'hidden', os_hidden: true })
  ids.nameless = await glance.image('alpha', { name: null, visibility: 'community' })
  ids.public = await glance.image('beta+admin', { name: 'public', visibility: 'public' })
  ids.shared = await glance.image('beta', { name: 'shared' })
  ids.community = await glance.image('beta', { name: 'community', visibility: 'community' })
  await glance.json('beta', 'POST', `/v2/images/${ids.shared}/members`, { member: 'alpha' })
  const upload = await glance.call('alpha', 'PUT', `/v2/images/${ids.two}/file`, Buffer.alloc(1000))
  expect(upload.status).toBe(204)
})
afterAll(() => glance.close())

const list = async (token: string, query = '') => {
  const page = await glance.json(token, 'GET', `/v2/images${query}`)
  return (page.images as { name: string | null }[]).map((image) => image.name)
}
const sorted = async (token: string, query = '') => (await list(token, query)).map(String).sort()

test('by default: own images that are not hidden, public ones, nobody else’s community or unanswered shared ones', async () => {
  expect(await sorted('alpha')).toEqual(['a,b', 'null', 'one', 'public', 'two'])
  expect(await sorted('gamma')).toEqual(['public'])
  expect(await sorted('beta')).toEqual(['community', 'public', 'shared'])
  expect(await sorted('zeta+admin')).toEqual(['a,b', 'one', 'public', 'shared', 'two'])
})

test('shared and community images are listed when asked for', async () => {
  expect(await list('alpha', '?visibility=community')).toEqual(['community', null])
  expect(await sorted('alpha', '?visibility=shared&member_status=pending')).toEqual(['one', 'shared', 'two'])
  expect(await sorted('alpha', '?visibility=shared')).toEqual(['one', 'two'])
  await glance.json('alpha', 'PUT', `/v2/images/${ids.shared}/members/alpha`, { status: 'accepted' })
  expect(await sorted('alpha')).toContain('shared')
  expect(await sorted('gamma', '?visibility=all')).toEqual(['community', 'null', 'public'])
})

test.each([
  ['?name=one', ['one']],
  ['?name=eq:one', ['one']],
  ['?name=in:one,"a,b",x', ['a,b', 'one']],
  ['?tag=red', ['one', 'two']],
  ['?tag=red&tag=big', ['one']],
  ['?os_distro=debian', ['one']],
  ['?os_hidden=true', ['hidden']],
  ['?os_hidden=True', ['hidden']],
  ['?protected=true', ['two']],
  ['?status=active', ['two']],
  ['?status=in:active,saving', ['two']],
  ['?size_min=1000&size_max=1000', ['two']],
  ['?size_min=1001', []],
  ['?disk_format=qcow2', ['one']],
  ['?min_disk=3', ['a,b']],
  ['?owner=nobody', []],
  ['?visibility=private', ['a,b']],
  ['?created_at=gt:2020-01-01T00:00:00Z&name=one', ['one']],
  ['?created_at=lt:2020-01-01T00:00:00Z', []],
  ['?created_at=2020-01-01', []],
])('the filter %s finds %j', async (query, names) => {
  expect(await sorted('alpha', query)).toEqual(names)
})

test.each([
  'limit=-1',
  'limit=x',
  'marker=nothing',
  'sort=shoe',
  'sort=name:up',
  'sort_key=shoe',
  'sort_dir=up',
  'sort=name&sort_key=name',
  'sort_key=name&sort_key=id&sort_dir=asc&sort_dir=asc&sort_dir=asc',
  'size_min=-3',
  'protected=True',
  'os_hidden=yes',
  'protected=True',
  'visibility=secret',
  'member_status=maybe',
  'name=gt:one',
  'name=in:"a',
  'created_at=yesterday',
  'created_at=around:2020-01-01T00:00:00Z',
  'changes-since=2020-01-01',
])('the query %s is refused', async (query) => {
  expect((await glance.call('alpha', 'GET', `/v2/images?${query}`)).status).toBe(400)
})

test.each([
  ['sort=name:asc', [null, 'a,b', 'one', 'two']],
  ['sort=name', ['two', 'one', 'a,b', null]],
  ['sort=size:asc,name:desc', ['one', 'a,b', null, 'two']],
  ['sort_key=name&sort_dir=asc', [null, 'a,b', 'one', 'two']],
  ['sort_key=size&sort_key=name&sort_dir=desc', ['two', 'one', 'a,b', null]],
  ['', [null, 'a,b', 'two', 'one']],
])('sorted by %s, page by page, nothing is lost or double', async (sort, names) => {
  for (const limit of [1, 2, 3]) {
    const found: (string | null)[] = []
    let next: string | undefined = `/v2/images?owner=alpha&limit=${limit}${sort ? `&${sort}` : ''}`
    for (let pages = 0; next !== undefined && pages < 10; pages += 1) {
      const page: Record<string, unknown> = await glance.json('alpha', 'GET', next)
      found.push(...(page.images as { name: string | null }[]).map((image) => image.name))
      next = page.next as string | undefined
    }
    expect(found).toEqual(names)
  }
})

test('pages link to the first and the next one, relative, with the filters kept', async () => {
  const page = await glance.json('alpha', 'GET', '/v2/images?limit=2&owner=alpha')
  expect(page.first).toBe('/v2/images?limit=2&owner=alpha')
  expect(page.next).toBe(`/v2/images?marker=${ids.three}&limit=2&owner=alpha`)
  expect(page.schema).toBe('/v2/schemas/images')
  const all = await glance.json('alpha', 'GET', '/v2/images')
  expect(all.first).toBe('/v2/images')
  expect(all).not.toHaveProperty('next')
})
