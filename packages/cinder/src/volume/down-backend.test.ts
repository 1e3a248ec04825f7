import { type Running, silentLog } from '@hearth/core'
import { DriverError, openDriver, openRunner, type VolumeDriver } from '@hearth/driver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reportStats } from '../model/topics.ts'
import { startTestCinder, type TestCinder } from '../start-for-tests.ts'
import { startVolume } from './role.ts'

let cinder: TestCinder
let role: Running
let closeBus: () => Promise<void>
/** Behaviour of the storage of host2@ceph: whether it can be opened, and whether it returns stats. */
const storage: { opens: boolean; responds: boolean | 'hangs' } = { opens: false, responds: true }
const stateChanges: string[] = []

beforeAll(async () => {
  cinder = await startTestCinder()
  const log = silentLog
  const driver = await openDriver('volume', '@hearth/driver-memory', {}, { run: openRunner({ log }), log })
  const gone = () => new DriverError('unavailable', 'the cluster does not respond')
  const stats: VolumeDriver['stats'] = async () => {
    if (storage.responds === 'hangs') return new Promise(() => undefined)
    if (!storage.responds) throw gone()
    return driver.stats()
  }
  const named = { name: 'ceph', host: 'host2@ceph' }
  const bus = await cinder.newBus()
  closeBus = () => bus.close()
  role = await startVolume({
    ...{ database: cinder.database, bus, log, hostName: 'host2', workFolder: '/tmp' },
    session: { token: async () => '', endpoint: async () => '', projectId: async () => '' },
    backends: [
      {
        ...named,
        async open() {
          if (!storage.opens) throw gone()
          return { ...named, volume: { ...driver, stats }, export: null }
        },
      },
      { name: 'other', host: 'host2@other', volume: driver, export: null },
    ],
    responseTimeoutMs: 500,
    onStateChange: (host, error) => stateChanges.push(`${host}: ${error?.message ?? 'up'}`),
  })
})
afterAll(async () => {
  await role.close()
  await closeBus()
  await cinder.close()
})

async function service(host: string): Promise<{ state: string; backend_state: string }> {
  const { body } = await cinder.ask('GET', '/os-services', undefined, { token: 'admin', version: '3.49' })
  return body.services.find((one: { host: string }) => one.host === host)
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 50_000; !(await done()); await new Promise((later) => setTimeout(later, 50))) {
    if (Date.now() > end) throw new Error('the condition did not become true within 50 seconds')
  }
}

async function refresh(): Promise<void> {
  const bus = await cinder.newBus()
  await bus.call(reportStats, 'host2@ceph', {}, { requestId: 'req-1', userId: null, projectId: null })
  await bus.close()
}

test('a backend whose storage is missing at the start is reported down with the reason, and others serve', async () => {
  expect(stateChanges[0]).toBe('host2@ceph: the cluster does not respond')
  expect(await service('host2@ceph')).toMatchObject({ state: 'down', backend_state: 'down' })
  expect(await service('host2@other')).toMatchObject({ state: 'up', backend_state: 'up' })
})

test('a backend serves as soon as its storage becomes available', async () => {
  storage.opens = true
  await until(async () => (await service('host2@ceph')).state === 'up')
  expect(await service('host2@ceph')).toMatchObject({ state: 'up', backend_state: 'up' })
})

test('a backend that loses its storage is down and gets no new volumes until the storage is back', async () => {
  storage.responds = false
  await refresh()
  expect(await service('host2@ceph')).toMatchObject({ state: 'up', backend_state: 'down' })
  expect(await service('host2@other')).toMatchObject({ state: 'up', backend_state: 'up' })
  const pools = await cinder.ask('GET', '/scheduler-stats/get_pools?detail=true', undefined, { token: 'admin' })
  const states = pools.body.pools.map((pool: { capabilities: Record<string, string> }) => pool.capabilities)
  expect(states.find((one: Record<string, string>) => one.volume_backend_name === 'ceph').backend_state).toBe('down')
  for (let round = 0; round < 4; round++) {
    const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1 } })
    const volume = await cinder.wait(`/volumes/${body.volume.id}`, 'available')
    expect(volume['os-vol-host-attr:host']).not.toMatch(/^host2@ceph/)
  }
  storage.responds = true
  await refresh()
  expect(await service('host2@ceph')).toMatchObject({ backend_state: 'up' })
})

test('storage that hangs while stats are read does not stop the heartbeats of its service', async () => {
  storage.responds = 'hangs'
  await refresh()
  expect(await service('host2@ceph')).toMatchObject({ state: 'up', backend_state: 'down' })
})
