import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recount } from '../../model/quotas/store.ts'
import { project, startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
let volumeType: string
let groupType: string
beforeAll(async () => {
  cinder = await startTestCinder()
  const type = await cinder.ask('POST', '/types', { volume_type: { name: 'gold' } }, asAdmin)
  volumeType = type.body.volume_type.id
  const specs = { consistent_group_snapshot_enabled: '<is> False' }
  const made = await cinder.ask('POST', '/group_types', { group_type: { name: 'plain', group_specs: specs } }, asAdmin)
  expect(made.status).toBe(202)
  groupType = made.body.group_type.id
})
afterAll(() => cinder.close())

const latest = { version: '3.71' }
const asAdmin = { token: 'admin', version: '3.71' }

async function makeGroup(name: string): Promise<string> {
  const group = { name, group_type: groupType, volume_types: [volumeType] }
  const { body } = await cinder.ask('POST', '/groups', { group }, latest)
  return body.group.id
}

async function makeVolume(group_id: string | null): Promise<string> {
  const { body } = await cinder.ask(
    'POST',
    '/volumes',
    { volume: { size: 1, volume_type: volumeType, group_id } },
    latest,
  )
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  return body.volume.id
}

async function remove(id: string, withVolumes: boolean) {
  return cinder.ask('POST', `/groups/${id}/action`, { delete: { 'delete-volumes': withVolumes } }, latest)
}

async function volumesOf(id: string): Promise<string[]> {
  return (await cinder.ask('GET', `/groups/${id}?list_volume=True`, undefined, latest)).body.group.volumes
}

test('a group takes volumes in and lets them go, and goes only together with them', async () => {
  const group = await makeGroup('g')
  const volume = await makeVolume(group)
  const loose = await makeVolume(null)
  const { body } = await cinder.ask('GET', `/groups/${group}`, undefined, latest)
  expect(body.group).toMatchObject({ status: 'available', group_type: groupType, volume_types: [volumeType] })
  expect(await cinder.ask('DELETE', `/volumes/${volume}`)).toMatchObject({ status: 400 })
  const change = { name: 'renamed', add_volumes: loose, remove_volumes: volume }
  expect(await cinder.ask('PUT', `/groups/${group}`, { group: change }, latest)).toMatchObject({ status: 202 })
  expect(await volumesOf(group)).toEqual([loose])
  expect(await cinder.ask('PUT', `/groups/${group}`, { group: { add_volumes: loose } }, latest)).toMatchObject({
    status: 400,
  })
  expect(await remove(group, false)).toMatchObject({ status: 400 })
  expect(await remove(group, true)).toMatchObject({ status: 202 })
  await cinder.wait(`/volumes/${loose}`, 'gone')
  expect(await cinder.ask('GET', `/groups/${group}`, undefined, latest)).toMatchObject({ status: 404 })
  await cinder.wait(`/volumes/${volume}`, 'available')
  await cinder.ask('DELETE', `/volumes/${volume}`)
})

test('a group snapshot holds one of each volume, and a group can be made of it', async () => {
  const group = await makeGroup('origin')
  const volumes = [await makeVolume(group), await makeVolume(group)]
  const made = await cinder.ask('POST', '/group_snapshots', { group_snapshot: { group_id: group, name: 's' } }, latest)
  const { id } = made.body.group_snapshot
  expect(made).toMatchObject({ status: 202, body: { group_snapshot: { name: 's', group_type_id: groupType } } })
  await cinder.wait(`/group_snapshots/${id}`, 'available')
  const { body } = await cinder.ask('GET', '/snapshots/detail', undefined, latest)
  expect(body.snapshots.map((one: { volume_id: string }) => one.volume_id).sort()).toEqual(volumes.toSorted())
  expect(await cinder.ask('DELETE', `/snapshots/${body.snapshots[0].id}`)).toMatchObject({ status: 400 })
  expect(await remove(group, true)).toMatchObject({ status: 400 })
  const source = { 'create-from-src': { name: 'copy', group_snapshot_id: id } }
  const copy = await cinder.ask('POST', '/groups/action', source, latest)
  expect(copy).toMatchObject({ status: 202, body: { group: { name: 'copy' } } })
  await cinder.wait(`/groups/${copy.body.group.id}`, 'available')
  const copies = await volumesOf(copy.body.group.id)
  expect(copies).toHaveLength(2)
  for (const volume of copies) await cinder.wait(`/volumes/${volume}`, 'available')
  expect(await remove(copy.body.group.id, true)).toMatchObject({ status: 202 })
  for (const volume of copies) await cinder.wait(`/volumes/${volume}`, 'gone')
  expect(await cinder.ask('DELETE', `/group_snapshots/${id}`, undefined, latest)).toMatchObject({ status: 202 })
  await cinder.wait(`/group_snapshots/${id}`, 'gone')
  expect(await remove(group, true)).toMatchObject({ status: 202 })
  for (const volume of volumes) await cinder.wait(`/volumes/${volume}`, 'gone')
  await sleep(50)
  const used = await cinder.database.query('quota_usages').where({ project_id: project }).where('in_use', '<>', 0)
  expect(used).toEqual([])
  expect([...(await recount(cinder.database.query, project))]).toEqual([])
})

test('an administrator sets the status of a group by hand', async () => {
  const group = await makeGroup('reset')
  for (const status of ['creating', 'error', 'available']) {
    const body = { reset_status: { status } }
    expect(await cinder.ask('POST', `/groups/${group}/action`, body, latest)).toMatchObject({ status: 403 })
    expect(await cinder.ask('POST', `/groups/${group}/action`, body, asAdmin)).toMatchObject({ status: 202 })
    expect((await cinder.ask('GET', `/groups/${group}`, undefined, latest)).body.group.status).toBe(status)
  }
  expect(await cinder.ask('DELETE', `/group_types/${groupType}`, undefined, asAdmin)).toMatchObject({ status: 400 })
  await remove(group, false)
})

test('group types and their specs are kept by administrators', async () => {
  const specs = `/group_types/${groupType}/group_specs`
  const set = { group_specs: { a: '1', b: '2' } }
  expect(await cinder.ask('POST', specs, set, asAdmin)).toMatchObject({ status: 202, body: set })
  expect(await cinder.ask('PUT', `${specs}/a`, { a: '3' }, asAdmin)).toMatchObject({ status: 200, body: { a: '3' } })
  expect(await cinder.ask('DELETE', `${specs}/b`, undefined, asAdmin)).toMatchObject({ status: 202 })
  expect(await cinder.ask('GET', `${specs}/b`, undefined, asAdmin)).toMatchObject({ status: 404 })
  const seen = (await cinder.ask('GET', `/group_types/${groupType}`, undefined, asAdmin)).body.group_type
  expect(seen).toMatchObject({ name: 'plain', is_public: true, group_specs: { a: '3' } })
  const hidden = await cinder.ask('POST', '/group_types', { group_type: { name: 'a', is_public: false } }, asAdmin)
  expect(await cinder.ask('GET', `/group_types/${hidden.body.group_type.id}`, undefined, latest)).toMatchObject({
    status: 404,
  })
  const all = await cinder.ask('GET', '/group_types?is_public=None&sort=name:asc', undefined, asAdmin)
  expect(all.body.group_types.map((type: { name: string }) => type.name)).toEqual(['a', 'plain'])
})
