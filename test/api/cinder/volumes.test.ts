import { expect, test } from 'vitest'
import { freshClient, login, waitForStatus, waitUntilGone } from '../../client.ts'
import { suite } from '../../suite.ts'

const { urls, admin } = suite()
const client = await freshClient(urls, admin)

async function makeVolume(volume: Record<string, unknown> = {}, user = client): Promise<{ id: string }> {
  const { body } = await user.must('volume', 'POST', '/volumes', { json: { volume: { size: 1, ...volume } } })
  return waitForStatus(user, `/volumes/${body.volume.id}`, 'available')
}

test('a volume is created, shown, listed, renamed and deleted', async () => {
  const created = await client.call('volume', 'POST', '/volumes', {
    json: { volume: { size: 1, name: 'first', metadata: { colour: 'red' } } },
  })
  expect(created.status).toBe(202)
  expect(created.body.volume).toMatchObject({
    status: 'creating',
    size: 1,
    name: 'first',
    bootable: 'false',
    encrypted: false,
  })
  const path = `/volumes/${created.body.volume.id}`
  const shown = await waitForStatus(client, path, 'available')
  expect(shown).toMatchObject({ metadata: { colour: 'red' }, volume_type: '__DEFAULT__', attachments: [] })
  const listed = await client.must('volume', 'GET', '/volumes?name=first')
  expect(listed.body.volumes.map((volume: { id: string }) => volume.id)).toContain(created.body.volume.id)
  const renamed = await client.must('volume', 'PUT', path, { json: { volume: { name: 'second' } } })
  expect(renamed.body.volume.name).toBe('second')
  expect((await client.call('volume', 'DELETE', path)).status).toBe(202)
  await waitUntilGone(client, 'volume', path)
})

test('a volume belongs to its project: another one does not see it', async () => {
  const { id } = await makeVolume()
  const root = await login(urls, admin)
  const stranger = await freshClient(urls, admin)
  expect((await stranger.call('volume', 'GET', `/volumes/${id}`)).status).toBe(404)
  expect((await stranger.must('volume', 'GET', '/volumes')).body.volumes).toEqual([])
  expect((await root.must('volume', 'GET', '/volumes?all_tenants=1')).body.volumes.length).toBeGreaterThan(0)
  await client.must('volume', 'DELETE', `/volumes/${id}`)
})

test('a volume grows, and never shrinks', async () => {
  const { id } = await makeVolume()
  const extend = (size: unknown) =>
    client.call('volume', 'POST', `/volumes/${id}/action`, { json: { 'os-extend': { new_size: size } } })
  expect((await extend(1)).status).toBe(400)
  expect((await extend('big')).status).toBe(400)
  expect((await extend(2)).status).toBe(202)
  expect((await waitForStatus(client, `/volumes/${id}`, 'available')).size).toBe(2)
  await client.must('volume', 'DELETE', `/volumes/${id}`)
})

test('snapshots hold up the deletion of their volume, unless it cascades', async () => {
  const { id } = await makeVolume()
  const { body } = await client.must('volume', 'POST', '/snapshots', {
    json: { snapshot: { volume_id: id, name: 's' } },
  })
  await waitForStatus(client, `/snapshots/${body.snapshot.id}`, 'available')
  expect((await client.call('volume', 'DELETE', `/volumes/${id}`)).status).toBe(400)
  const copy = await makeVolume({ snapshot_id: body.snapshot.id, size: 2 })
  expect((await client.call('volume', 'DELETE', `/volumes/${id}?cascade=true`)).status).toBe(202)
  await waitUntilGone(client, 'volume', `/volumes/${id}`)
  await waitUntilGone(client, 'volume', `/snapshots/${body.snapshot.id}`)
  await client.must('volume', 'DELETE', `/volumes/${copy.id}`)
})

test('listing pages by limit and marker, with a link to the next page that works as it is', async () => {
  const made = await Promise.all(
    [1, 2, 3].map((index) => makeVolume({ name: `page-${index}`, metadata: { page: 'yes' } })),
  )
  const seen: string[] = []
  let url: string | undefined = `${urls.volume}/volumes?limit=1&sort=name:asc`
  while (url) {
    const answer = await fetch(url, { headers: { 'x-auth-token': client.token } })
    const body = (await answer.json()) as { volumes: { id: string }[]; volumes_links?: { href: string }[] }
    seen.push(...body.volumes.map((volume) => volume.id))
    url = body.volumes_links?.[0]?.href
  }
  expect(seen).toEqual(expect.arrayContaining(made.map((volume) => volume.id)))
  expect(new Set(seen).size).toBe(seen.length)
  await Promise.all(made.map(({ id }) => client.must('volume', 'DELETE', `/volumes/${id}`)))
})

test.each([
  ['a size of zero', { size: 0 }, 400],
  ['a negative size', { size: -1 }, 400],
  ['a size that is no number', { size: 'big' }, 400],
  ['no size', {}, 400],
  ['a name of 300 characters', { size: 1, name: 'n'.repeat(300) }, 400],
  ['an unknown type', { size: 1, volume_type: 'no-such-type' }, 404],
  ['an unknown snapshot', { size: 1, snapshot_id: '00000000-0000-4000-8000-000000000000' }, 404],
  ['an unknown source volume', { size: 1, source_volid: '00000000-0000-4000-8000-000000000000' }, 404],
  ['more than the quota', { size: 1_000_000 }, 413],
])('creating with %s is refused', async (_what, volume, status) => {
  const answer = await client.call('volume', 'POST', '/volumes', { json: { volume } })
  expect(answer.status).toBe(status)
  const envelope = { 400: 'badRequest', 404: 'itemNotFound', 413: 'overLimit' }[status]!
  expect(answer.body[envelope]).toMatchObject({ code: status, message: expect.any(String) })
})

test('a name that is too long is refused naming the field and the rule', async () => {
  const answer = await client.call('volume', 'POST', '/volumes', {
    json: { volume: { size: 1, name: 'n'.repeat(300) } },
  })
  expect(answer.body.badRequest.message).toMatch(
    /^Invalid input for field\/attribute name\. Value: n{300}\. .*is too long$/,
  )
})

test('a body that is not JSON is refused', async () => {
  const headers = { 'content-type': 'application/json' }
  const answer = await client.call('volume', 'POST', '/volumes', { body: '{"volume":', headers })
  expect(answer.status).toBe(400)
  expect(answer.body.badRequest.code).toBe(400)
})

test('a microversion out of range is refused with the range', async () => {
  const answer = await client.call('volume', 'GET', '/volumes', { version: '3.999' })
  expect(answer.status).toBe(406)
  expect(answer.body.computeFault.message).toContain('3.0')
})

test('newer fields are shown only at their microversions', async () => {
  const { id } = await makeVolume()
  const at = async (version: string) => (await client.must('volume', 'GET', `/volumes/${id}`, { version })).body.volume
  expect(await at('3.0')).not.toHaveProperty('group_id')
  expect(await at('3.13')).toHaveProperty('group_id', null)
  expect(await at('3.63')).toHaveProperty('volume_type_id')
  await client.must('volume', 'DELETE', `/volumes/${id}`)
})

test('what a volume uses is counted against the quota and given back', async () => {
  const own = await freshClient(urls, admin)
  const usage = async (): Promise<[number, number]> => {
    const { body } = await own.must('volume', 'GET', `/os-quota-sets/${own.projectId}?usage=true`)
    return [body.quota_set.volumes.in_use, body.quota_set.gigabytes.in_use]
  }
  const { id } = await makeVolume({ size: 3 }, own)
  expect(await usage()).toEqual([1, 3])
  await own.must('volume', 'DELETE', `/volumes/${id}`)
  await waitUntilGone(own, 'volume', `/volumes/${id}`)
  expect(await usage()).toEqual([0, 0])
})
