import { afterAll, beforeAll, expect, test } from 'vitest'
import { recount } from '../../model/quotas/store.ts'
import { project, startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder()
})
afterAll(() => cinder.close())

const other = '22222222222222222222222222222222'
const latest = { version: '3.71' }
const asOther = { token: 'other', version: '3.71' }

async function makeVolume(): Promise<string> {
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1 } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  return body.volume.id
}

async function usage(projectId: string): Promise<Record<string, number>> {
  const rows = await cinder.database.query('quota_usages').where({ project_id: projectId }).where('in_use', '<>', 0)
  const used = Object.fromEntries(rows.map(({ resource, in_use }) => [resource, in_use]))
  expect(used).toEqual(Object.fromEntries(await recount(cinder.database.query, projectId)))
  return used
}

test('whoever has the key takes the volume, its snapshots and what they count', async () => {
  const volume = await makeVolume()
  const snapshot = (await cinder.ask('POST', '/snapshots', { snapshot: { volume_id: volume } })).body.snapshot.id
  await cinder.wait(`/snapshots/${snapshot}`, 'available')
  const made = await cinder.ask('POST', '/volume-transfers', { transfer: { volume_id: volume, name: 'gift' } }, latest)
  const { id, auth_key, ...transfer } = made.body.transfer
  expect(auth_key).toMatch(/^[0-9a-f]{16}$/)
  expect(transfer).toMatchObject({ volume_id: volume, name: 'gift', no_snapshots: false, accepted: false })
  await cinder.wait(`/volumes/${volume}`, 'awaiting-transfer')
  const stored = await cinder.database.query('volume_transfers').where({ id }).first()
  expect(JSON.stringify(stored)).not.toContain(auth_key)
  const path = `/volume-transfers/${id}/accept`
  expect(await cinder.ask('POST', path, { accept: { auth_key: 'x' } }, asOther)).toMatchObject({ status: 400 })
  const accepted = await cinder.ask('POST', path, { accept: { auth_key } }, asOther)
  expect(accepted).toMatchObject({ status: 202, body: { transfer: { id, volume_id: volume, name: 'gift' } } })
  const { body } = await cinder.ask('GET', `/volumes/${volume}`, undefined, asOther)
  expect(body.volume).toMatchObject({ status: 'available', 'os-vol-tenant-attr:tenant_id': other })
  expect(await cinder.ask('GET', `/snapshots/${snapshot}`, undefined, asOther)).toMatchObject({ status: 200 })
  expect(await cinder.ask('GET', `/volumes/${volume}`)).toMatchObject({ status: 404 })
  expect(await usage(project)).toEqual({})
  expect(await usage(other)).toMatchObject({ volumes: 1, snapshots: 1, gigabytes: 2 })
  expect(await cinder.ask('POST', path, { accept: { auth_key } }, asOther)).toMatchObject({ status: 404 })
})

test('a transfer that is deleted leaves the volume available; other projects do not see it', async () => {
  const volume = await makeVolume()
  const made = await cinder.ask('POST', '/os-volume-transfer', { transfer: { volume_id: volume } })
  const { id } = made.body.transfer
  expect(made.body.transfer).not.toHaveProperty('no_snapshots')
  expect(await cinder.ask('POST', '/os-volume-transfer', { transfer: { volume_id: volume } })).toMatchObject({
    status: 400,
  })
  const list = await cinder.ask('GET', '/os-volume-transfer/detail')
  expect(list.body.transfers.map((transfer: { id: string }) => transfer.id)).toEqual([id])
  expect(await cinder.ask('GET', `/os-volume-transfer/${id}`, undefined, asOther)).toMatchObject({ status: 404 })
  expect(await cinder.ask('DELETE', `/os-volume-transfer/${id}`)).toMatchObject({ status: 202 })
  await cinder.wait(`/volumes/${volume}`, 'available')
})

test("a transfer that the taker's quota does not allow changes nothing", async () => {
  const admin = { token: 'admin' }
  await cinder.ask('PUT', `/os-quota-sets/${other}`, { quota_set: { volumes: 1 } }, admin)
  const volume = await makeVolume()
  const { body } = await cinder.ask('POST', '/volume-transfers', { transfer: { volume_id: volume } }, latest)
  const { id, auth_key } = body.transfer
  const path = `/volume-transfers/${id}/accept`
  expect(await cinder.ask('POST', path, { accept: { auth_key } }, asOther)).toMatchObject({ status: 413 })
  await cinder.wait(`/volumes/${volume}`, 'awaiting-transfer')
  await usage(project)
  await usage(other)
})
