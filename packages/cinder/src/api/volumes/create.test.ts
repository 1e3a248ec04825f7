import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder()
})
afterAll(() => cinder.close())

const create = (volume: object, options = {}) => cinder.ask('POST', '/volumes', { volume }, options)

test('a new volume is returned as creating and becomes available on a backend', async () => {
  const { status, body } = await create({ size: 1, name: ' first ', metadata: { a: 'b' } })
  expect(status).toBe(202)
  expect(body.volume).toMatchObject({
    status: 'creating',
    size: 1,
    name: 'first',
    bootable: 'false',
    metadata: { a: 'b' },
  })
  expect(body.volume.volume_type).toBe('__DEFAULT__')
  const volume = await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  expect(volume['os-vol-host-attr:host']).toBe('host1@memory#memory')
  expect((await cinder.volume.list!()).volumes).toContain(`volume-${body.volume.id}`)
})

test('a deleted volume is gone from the API, the backend and the quota', async () => {
  const used = async () => (await cinder.ask('GET', '/limits')).body.limits.absolute.totalVolumesUsed
  const before = await used()
  const { body } = await create({ size: 2 })
  const path = `/volumes/${body.volume.id}`
  await cinder.wait(path, 'available')
  expect(await used()).toBe(before + 1)
  expect((await cinder.ask('DELETE', path)).status).toBe(202)
  await cinder.wait(path, 'gone')
  expect(await used()).toBe(before)
  expect((await cinder.volume.list!()).volumes).not.toContain(`volume-${body.volume.id}`)
})

test('bad input is refused with the statuses and messages of Cinder', async () => {
  const long = await create({ size: 1, name: 'x'.repeat(300) })
  expect(long.status).toBe(400)
  expect(long.body.badRequest.message).toMatch(/^Invalid input for field\/attribute name\. Value: x{300}\. /)
  expect((await create({ size: 0 })).body.badRequest.code).toBe(400)
  expect((await create({ size: -1 })).status).toBe(400)
  expect((await create({ size: '#$%' })).status).toBe(400)
  expect((await create({})).status).toBe(400)
  const large = await create({ size: 5000 })
  expect(large.status).toBe(413)
  expect(large.body.overLimit.message).toMatch(/Requested 5000G, quota is 1000G/)
  const text = await cinder.ask('POST', '/volumes', '{not json')
  expect(text.body).toEqual({ badRequest: { code: 400, message: 'Malformed request body' } })
  expect((await create({ size: 1 }, { version: '3.99' })).status).toBe(406)
  expect((await create({ size: 1, volume_type: 'none' })).status).toBe(404)
  expect((await create({ size: 1, colour: 'red' }, { version: '3.53' })).status).toBe(400)
})

test('fields appear from their microversion on', async () => {
  const { body } = await create({ size: 1 })
  const path = `/volumes/${body.volume.id}`
  await cinder.wait(path, 'available')
  const at = async (version: string) => Object.keys((await cinder.ask('GET', path, undefined, { version })).body.volume)
  expect(await at('3.0')).not.toContain('group_id')
  expect(await at('3.13')).toContain('group_id')
  expect(await at('3.62')).not.toContain('volume_type_id')
  expect(await at('3.63')).toContain('volume_type_id')
})

test('another project cannot see the volume or learn that it exists', async () => {
  const { body } = await create({ size: 1 })
  const path = `/volumes/${body.volume.id}`
  expect((await cinder.ask('GET', path, undefined, { token: 'other' })).status).toBe(404)
  expect((await cinder.ask('DELETE', path, undefined, { token: 'other' })).status).toBe(404)
  expect((await cinder.ask('POST', '/volumes', { volume: { size: 1 } }, { token: 'reader' })).status).toBe(403)
})
