import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCinder, type TestCinder } from '../../start-for-tests.ts'

let cinder: TestCinder
beforeAll(async () => {
  cinder = await startTestCinder()
})
afterAll(() => cinder.close())

const token = 'admin'
const get = (path: string, version = '3.71') => cinder.ask('GET', path, undefined, { token, version })
const put = (path: string, body: object) => cinder.ask('PUT', path, body, { token })

test('services are up at once; a disabled service gets no new volumes', async () => {
  const { services } = (await get('/os-services')).body
  expect(services.map((one: { binary: string; state: string }) => `${one.binary} ${one.state}`)).toEqual([
    'cinder-scheduler up',
    'cinder-volume up',
  ])
  const service = { host: 'host1@memory', binary: 'cinder-volume' }
  const off = await put('/os-services/disable-log-reason', { ...service, disabled_reason: 'repair' })
  expect(off.body).toMatchObject({ status: 'disabled', disabled: true, disabled_reason: 'repair' })
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1 } })
  await cinder.wait(`/volumes/${body.volume.id}`, 'error')
  expect((await put('/os-services/enable', service)).body).toMatchObject({ status: 'enabled', disabled_reason: null })
  expect((await put('/os-services/enable', { ...service, host: 'nowhere' })).status).toBe(404)
  expect((await put('/os-services/freeze', { host: 'nowhere' })).status).toBe(400)
  expect((await cinder.ask('GET', '/os-services')).status).toBe(403)
})

test('the pools and the capabilities of a backend report the same values', async () => {
  const [pool] = (await get('/scheduler-stats/get_pools?detail=true')).body.pools
  expect(pool.name).toBe('host1@memory#memory')
  const capabilities = (await get('/capabilities/host1@memory')).body
  expect(capabilities).toMatchObject({
    vendor_name: pool.capabilities.vendor_name,
    storage_protocol: pool.capabilities.storage_protocol,
    volume_backend_name: 'memory',
  })
})

test('the version documents need no token, and a path with another project than the token’s is refused', async () => {
  const root = await fetch(cinder.url)
  expect(root.status).toBe(300)
  const listed = await fetch(`${cinder.url}/v3/`)
  expect(listed.status).toBe(200)
  expect(await listed.json()).toMatchObject({ versions: [{ id: 'v3.0', min_version: '3.0', version: '3.71' }] })
  expect((await get('/22222222222222222222222222222222/volumes')).body.badRequest.message).toBe('Malformed request url')
  expect((await get('/11111111111111111111111111111111/volumes')).status).toBe(200)
  const anonymous = await fetch(`${cinder.url}/v3/volumes`)
  expect(anonymous.status).toBe(401)
})
