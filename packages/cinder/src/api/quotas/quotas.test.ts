import { afterAll, beforeAll, expect, test } from 'vitest'
import { project, startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder()
})
afterAll(() => cinder.close())

const asAdmin = { token: 'admin' }
const path = `/os-quota-sets/${project}`
const set = (quota_set: Record<string, unknown>) => cinder.ask('PUT', path, { quota_set }, asAdmin)

test('a project has the defaults until it has limits of its own', async () => {
  const defaults = { volumes: 10, snapshots: 10, gigabytes: 1000, backups: 10, backup_gigabytes: 1000, groups: 10 }
  const { body } = await cinder.ask('GET', path)
  expect(body.quota_set).toMatchObject({ id: project, ...defaults, per_volume_gigabytes: -1, volumes___DEFAULT__: -1 })
  const changed = await set({ volumes: 12, gigabytes: '20' })
  expect(changed.body.quota_set).toMatchObject({ volumes: 12, gigabytes: 20, snapshots: 10 })
  expect(changed.body.quota_set).not.toHaveProperty('id')
  const shown = await cinder.ask('GET', `${path}/defaults`)
  expect(shown.body.quota_set).toMatchObject(defaults)
  expect(await cinder.ask('DELETE', path, undefined, asAdmin)).toMatchObject({ status: 200, body: null })
  expect((await cinder.ask('GET', path)).body.quota_set.volumes).toBe(10)
})

test('limits of the class default hold for every project without its own', async () => {
  const classes = '/os-quota-class-sets/default'
  const changed = await cinder.ask('PUT', classes, { quota_class_set: { backups: 3 } }, asAdmin)
  expect(changed.body.quota_class_set.backups).toBe(3)
  expect((await cinder.ask('GET', classes, undefined, asAdmin)).body.quota_class_set).toMatchObject({
    id: 'default',
    backups: 3,
  })
  expect((await cinder.ask('GET', path)).body.quota_set.backups).toBe(3)
})

test('limits that make no sense are refused', async () => {
  expect(await set({ castles: 1 })).toMatchObject({
    status: 400,
    body: { badRequest: { message: 'Bad key(s) in quota set: castles' } },
  })
  for (const volumes of [-2, 'many', 1.5, 2 ** 31]) expect(await set({ volumes })).toMatchObject({ status: 400 })
  expect(await cinder.ask('PUT', path, { quota_set: { volumes: 1 } })).toMatchObject({ status: 403 })
})

test("another project's limits are an administrator's business", async () => {
  const other = '/os-quota-sets/22222222222222222222222222222222'
  expect(await cinder.ask('GET', other)).toMatchObject({ status: 403 })
  expect(await cinder.ask('GET', other, undefined, asAdmin)).toMatchObject({ status: 200 })
})

test('usage follows volumes, shows in quota and limits, and no limit may be set below it', async () => {
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 2 } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'available')
  const usage = (await cinder.ask('GET', `${path}?usage=True`)).body.quota_set
  expect(usage.gigabytes).toEqual({ limit: 1000, in_use: 2, reserved: 0 })
  expect(usage.volumes___DEFAULT__).toEqual({ limit: -1, in_use: 1, reserved: 0 })
  const { limits } = (await cinder.ask('GET', '/limits')).body
  expect(limits).toMatchObject({
    rate: [],
    absolute: { totalVolumesUsed: 1, totalGigabytesUsed: 2, maxTotalVolumes: 10 },
  })
  expect(await set({ gigabytes: 1 })).toMatchObject({ status: 400 })
  expect(await set({ gigabytes: 3 })).toMatchObject({ status: 200 })
  expect(await cinder.ask('POST', '/volumes', { volume: { size: 2 } })).toMatchObject({
    status: 413,
    body: { overLimit: { code: 413, retryAfter: '0', message: expect.stringContaining('quota is 3G and 2G') } },
  })
  expect(await set({ per_volume_gigabytes: 1 })).toMatchObject({ status: 200 })
  expect((await cinder.ask('POST', '/volumes', { volume: { size: 2 } })).body.overLimit.message).toContain(
    'Requested volume size 2G is larger than maximum allowed limit 1G.',
  )
  await cinder.ask('DELETE', `/volumes/${body.volume.id}`)
  await cinder.wait(`/volumes/${body.volume.id}`, 'gone')
  expect((await cinder.ask('GET', `${path}?usage=True`)).body.quota_set.gigabytes.in_use).toBe(0)
})

test('zones, extensions and filters can be listed', async () => {
  expect((await cinder.ask('GET', '/os-availability-zone')).body).toEqual({
    availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true } }],
  })
  const { extensions } = (await cinder.ask('GET', '/extensions')).body
  expect(extensions.map((extension: { name: string }) => extension.name)).toContain('Hosts')
  const filters = await cinder.ask('GET', '/resource_filters?resource=backup', undefined, { version: '3.33' })
  expect(filters.body).toEqual({ resource_filters: [{ resource: 'backup', filters: ['name', 'status', 'volume_id'] }] })
})

test('what cannot be placed leaves a message that can be read and deleted', async () => {
  const type = { volume_type: { name: 'nowhere', extra_specs: { volume_backend_name: 'none' } } }
  await cinder.ask('POST', '/types', type, asAdmin)
  await set({ per_volume_gigabytes: -1, gigabytes: -1 })
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1, volume_type: 'nowhere' } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'error')
  const latest = { version: '3.71' }
  const { messages } = (await cinder.ask('GET', `/messages?resource_uuid=${body.volume.id}`, undefined, latest)).body
  expect(messages).toMatchObject([
    {
      event_id: 'VOLUME_VOLUME_001_003',
      user_message: 'schedule allocate volume:Could not find any available weighted backend.',
      message_level: 'ERROR',
      resource_type: 'VOLUME',
    },
  ])
  const one = `/messages/${messages[0].id}`
  expect(await cinder.ask('GET', one, undefined, { token: 'other', version: '3.71' })).toMatchObject({ status: 404 })
  expect(await cinder.ask('DELETE', one, undefined, latest)).toMatchObject({ status: 204 })
  expect(await cinder.ask('GET', one, undefined, latest)).toMatchObject({ status: 404 })
})
