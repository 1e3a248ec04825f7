import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder()
})
afterAll(() => cinder.close())

const version = '3.54'
const connector = {
  initiator: 'iqn.2005-03.org.open-iscsi:test',
  host: 'compute1',
  ip: '127.0.0.1',
  platform: 'x86_64',
}
const server = '44444444-4444-4444-8444-444444444444'

async function makeVolume(): Promise<string> {
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1 } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  return body.volume.id
}
const ask = (method: string, path: string, body?: object, options = {}) =>
  cinder.ask(method, path, body, { version, ...options })
const act = (id: string, action: object, options = {}) => ask('POST', `/volumes/${id}/action`, action, options)

test('an attachment changes from reserved to attaching to attached, and its deletion removes the export', async () => {
  const id = await makeVolume()
  const made = await ask('POST', '/attachments', { attachment: { volume_uuid: id, instance_uuid: server } })
  expect(made.status).toBe(200)
  expect(made.body.attachment).toMatchObject({ status: 'reserved', instance: server, connection_info: {} })
  const path = `/attachments/${made.body.attachment.id}`
  expect((await cinder.wait(`/volumes/${id}`, 'reserved')).attachments).toEqual([])

  const updated = await ask('PUT', path, { attachment: { connector } })
  expect(updated.body.attachment.status).toBe('attaching')
  const info = updated.body.attachment.connection_info
  expect(info).toMatchObject({
    driver_volume_type: 'iscsi',
    target_lun: 1,
    auth_method: 'CHAP',
    access_mode: 'rw',
    volume_id: id,
  })
  expect(info.target_iqn).toBe(`iqn.2010-10.org.openstack:volume-${id}`)
  expect(await cinder.exporter.list()).toContain(`volume-${id}`)

  expect((await ask('POST', `${path}/action`, { 'os-complete': {} })).status).toBe(204)
  const volume = await cinder.wait(`/volumes/${id}`, 'in-use')
  expect(volume.attachments).toMatchObject([{ id, server_id: server, host_name: 'compute1' }])

  expect((await ask('DELETE', path)).status).toBe(409)
  expect((await ask('DELETE', path, undefined, { headers: { 'x-auth-token': 'service' } })).status).toBe(409)
  const headers = { 'x-service-token': 'service' }
  expect((await ask('DELETE', path, undefined, { headers })).body).toEqual({ attachments: [] })
  await cinder.wait(`/volumes/${id}`, 'available')
  expect(await cinder.exporter.list()).not.toContain(`volume-${id}`)
})

test('an attachment without a connector can be completed, as Nova does for a shelved server', async () => {
  const id = await makeVolume()
  const made = await ask('POST', '/attachments', { attachment: { volume_uuid: id, instance_uuid: server } })
  const path = `/attachments/${made.body.attachment.id}`
  expect((await ask('POST', `${path}/action`, { 'os-complete': {} })).status).toBe(204)
  expect((await cinder.wait(`/volumes/${id}`, 'in-use')).attachments).toMatchObject([{ id, server_id: server }])
  expect((await ask('GET', path)).body.attachment.status).toBe('attached')
  const headers = { 'x-service-token': 'service' }
  expect((await ask('DELETE', path, undefined, { headers })).status).toBe(200)
  await cinder.wait(`/volumes/${id}`, 'available')
})

test('an attached volume can be neither attached to another server nor deleted', async () => {
  const id = await makeVolume()
  await ask('POST', '/attachments', { attachment: { volume_uuid: id, instance_uuid: server, connector } })
  const other = '55555555-5555-4555-8555-555555555555'
  const second = await ask('POST', '/attachments', { attachment: { volume_uuid: id, instance_uuid: other } })
  expect(second.status).toBe(400)
  expect((await ask('DELETE', `/volumes/${id}`)).status).toBe(400)
})

test('a restart exports attached volumes again with their old credentials, and removes orphaned exports', async () => {
  const id = await makeVolume()
  const { body } = await ask('POST', '/attachments', { attachment: { volume_uuid: id, connector } })
  const { auth_password } = body.attachment.connection_info
  await cinder.exporter.remove(`volume-${id}`)
  await cinder.exporter.create({ name: 'volume-stray', path: '/', sizeBytes: 1, blockSize: 512, chap: null })
  await cinder.restartVolume()
  const names = await cinder.exporter.list()
  expect(names).toContain(`volume-${id}`)
  expect(names).not.toContain('volume-stray')
  const again = await ask('PUT', `/attachments/${body.attachment.id}`, { attachment: { connector } })
  expect(again.body.attachment.connection_info.auth_password).toBe(auth_password)
})

test('the legacy actions reserve, connect, attach and detach a volume', async () => {
  const id = await makeVolume()
  expect((await act(id, { 'os-reserve': {} })).status).toBe(202)
  expect((await act(id, { 'os-reserve': {} })).status).toBe(400)
  const connected = await act(id, { 'os-initialize_connection': { connector } })
  expect(connected.body.connection_info.data.target_portal).toBe('127.0.0.1:3260')
  expect((await act(id, { 'os-attach': { instance_uuid: server, mountpoint: '/dev/vdb' } })).status).toBe(202)
  await cinder.wait(`/volumes/${id}`, 'in-use')
  expect((await act(id, { 'os-begin_detaching': {} })).status).toBe(202)
  await cinder.wait(`/volumes/${id}`, 'detaching')
  expect((await act(id, { 'os-terminate_connection': { connector } })).status).toBe(202)
  expect((await act(id, { 'os-detach': {} })).status).toBe(202)
  await cinder.wait(`/volumes/${id}`, 'available')
  expect(await cinder.exporter.list()).not.toContain(`volume-${id}`)
  expect((await act(id, { 'os-nothing': {} })).body.badRequest.message).toMatch(/^There is no such action: os-nothing/)
})
