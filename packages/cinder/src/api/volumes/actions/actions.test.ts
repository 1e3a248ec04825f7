import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../../../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder({ volume: { totalGiB: 100 } })
})
afterAll(() => cinder.close())

async function make(volume: object): Promise<string> {
  const { status, body } = await cinder.ask('POST', '/volumes', { volume }, { version: '3.47' })
  if (status !== 202) throw new Error(JSON.stringify(body))
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  return body.volume.id
}
const act = (id: string, action: object, options = {}) => cinder.ask('POST', `/volumes/${id}/action`, action, options)
const gigabytes = async () => (await cinder.ask('GET', '/limits')).body.limits.absolute.totalGigabytesUsed

test('extend grows the volume and its quota usage, and refuses a size that is not larger', async () => {
  const id = await make({ size: 1 })
  const before = await gigabytes()
  expect((await act(id, { 'os-extend': { new_size: 3 } })).status).toBe(202)
  expect((await cinder.wait(`/volumes/${id}`, 'available')).size).toBe(3)
  expect(await gigabytes()).toBe(before + 2)
  expect((await act(id, { 'os-extend': { new_size: 3 } })).status).toBe(400)
  expect((await act(id, { 'os-extend': { new_size: 'abc' } })).status).toBe(400)
  expect((await act(id, { 'os-extend': { new_size: null } })).status).toBe(400)
})

test('an extension that does not fit in the pool leaves the volume and its quota usage as they were', async () => {
  const id = await make({ size: 1 })
  const before = await gigabytes()
  expect((await act(id, { 'os-extend': { new_size: 500 } })).status).toBe(202)
  expect((await cinder.wait(`/volumes/${id}`, 'available')).size).toBe(1)
  expect(await gigabytes()).toBe(before)
})

test('a volume that fits in no pool ends in error with a user message, and can be deleted', async () => {
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 700 } })
  const path = `/volumes/${body.volume.id}`
  await cinder.wait(path, 'error')
  const messages = (await cinder.ask('GET', '/messages', undefined, { version: '3.5' })).body.messages
  expect(messages.map((one: { resource_uuid: string }) => one.resource_uuid)).toContain(body.volume.id)
  expect((await cinder.ask('DELETE', path)).status).toBe(202)
  await cinder.wait(path, 'gone')
})

test('snapshots, clones and volumes of snapshots are created, and a delete with snapshots needs cascade', async () => {
  const id = await make({ size: 1, name: 'origin' })
  const snap = await cinder.ask('POST', '/snapshots', { snapshot: { volume_id: id, name: 'one' } })
  expect(snap.status).toBe(202)
  const snapPath = `/snapshots/${snap.body.snapshot.id}`
  expect((await cinder.wait(snapPath, 'available'))['os-extended-snapshot-attributes:progress']).toBe('100%')
  const fromSnapshot = await make({ snapshot_id: snap.body.snapshot.id, size: 2 })
  const clone = await make({ source_volid: id })
  expect((await cinder.ask('GET', `/volumes/${clone}`)).body.volume).toMatchObject({ size: 1, source_volid: id })
  expect((await cinder.ask('POST', '/volumes', { volume: { source_volid: fromSnapshot, size: 1 } })).status).toBe(400)
  expect((await cinder.ask('DELETE', `/volumes/${id}`)).status).toBe(400)
  expect((await act(id, { revert: { snapshot_id: snap.body.snapshot.id } }, { version: '3.40' })).status).toBe(202)
  await cinder.wait(`/volumes/${id}`, 'available')
  expect((await cinder.ask('DELETE', `/volumes/${id}?cascade=true`)).status).toBe(202)
  await cinder.wait(`/volumes/${id}`, 'gone')
  await cinder.wait(snapPath, 'gone')
  expect((await cinder.volume.list!()).snapshots).not.toContain(`snapshot-${snap.body.snapshot.id}`)
})

test('a retype to a type that the volume’s pool satisfies changes the type', async () => {
  const id = await make({ size: 1 })
  const made = await cinder.ask('POST', '/types', { volume_type: { name: 'silver' } }, { token: 'admin' })
  expect(made.status).toBe(200)
  expect((await act(id, { 'os-retype': { new_type: 'silver' } })).status).toBe(202)
  await expect.poll(async () => (await cinder.wait(`/volumes/${id}`, 'available')).volume_type).toBe('silver')
})

test('an administrator may reset a status and force-delete, a member may not', async () => {
  const id = await make({ size: 1 })
  expect((await act(id, { 'os-reset_status': { status: 'error' } })).status).toBe(403)
  expect((await act(id, { 'os-reset_status': { status: 'maintenance' } }, { token: 'admin' })).status).toBe(202)
  expect((await cinder.ask('DELETE', `/volumes/${id}`)).status).toBe(400)
  expect((await act(id, { 'os-force_delete': {} }, { token: 'admin' })).status).toBe(202)
  await cinder.wait(`/volumes/${id}`, 'gone')
})

test('listings can be filtered, sorted and paged', async () => {
  const names = ['pa', 'pb', 'pc']
  for (const name of names) await make({ size: 1, name, metadata: { group: 'paging' } })
  const filter = `metadata=${encodeURIComponent("{'group': 'paging'}")}`
  const first = await cinder.ask('GET', `/volumes/detail?${filter}&sort=name:asc&limit=2`)
  expect(first.body.volumes.map((one: { name: string }) => one.name)).toEqual(['pa', 'pb'])
  const next = await fetch(first.body.volumes_links[0].href, { headers: { 'x-auth-token': 'member' } })
  expect(((await next.json()) as { volumes: { name: string }[] }).volumes.map((one) => one.name)).toEqual(['pc'])
  expect((await cinder.ask('GET', '/volumes?limit=-1')).status).toBe(400)
  expect((await cinder.ask('GET', '/volumes?sort=colour')).status).toBe(400)
  expect((await cinder.ask('GET', '/volumes?marker=none')).status).toBe(404)
  expect((await cinder.ask('GET', '/volumes?colour=red', undefined, { version: '3.31' })).status).toBe(400)
  const counted = await cinder.ask('GET', `/volumes?${filter}&with_count=true&limit=1`, undefined, { version: '3.45' })
  expect(counted.body.count).toBe(3)
})

test('a marker of another project is not found, like one that does not exist', async () => {
  const id = await make({ size: 1, name: 'mine' })
  expect((await cinder.ask('GET', `/volumes?marker=${id}`)).status).toBe(200)
  expect((await cinder.ask('GET', `/volumes?marker=${id}&status=error`)).status).toBe(200)
  expect((await cinder.ask('GET', `/volumes?marker=${id}`, undefined, { token: 'other' })).status).toBe(404)
  const all = await cinder.ask('GET', `/volumes?marker=${id}&all_tenants=1`, undefined, { token: 'admin' })
  expect(all.status).toBe(200)
})

test('metadata is merged, replaced, read and removed by key', async () => {
  const id = await make({ size: 1, metadata: { a: '1' } })
  const path = `/volumes/${id}/metadata`
  expect((await cinder.ask('POST', path, { metadata: { b: '2' } })).body).toEqual({ metadata: { a: '1', b: '2' } })
  expect((await cinder.ask('PUT', path, { metadata: { c: '3' } })).body).toEqual({ metadata: { c: '3' } })
  expect((await cinder.ask('PUT', `${path}/c`, { meta: { c: '4' } })).body).toEqual({ meta: { c: '4' } })
  expect((await cinder.ask('PUT', `${path}/c`, { meta: { d: '4' } })).status).toBe(400)
  expect((await cinder.ask('DELETE', `${path}/c`)).status).toBe(200)
  expect((await cinder.ask('GET', `${path}/c`)).status).toBe(404)
})
