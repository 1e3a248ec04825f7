import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { bytesOf, openDriver, openRunner } from '@hearth/driver'
import getPort from 'get-port'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend } from '../model/backends.ts'
import { getVolume, volumeRef } from '../model/volumes/store.ts'
import { project, startTestCinder, type TestCinder } from '../start-for-tests.ts'
import { startVolume } from './role.ts'

const log = silentLog
const deps = { run: openRunner({ log }), log }
const session = { token: async () => 'service', endpoint: async () => '', projectId: async () => project }
const ending: (() => Promise<unknown>)[] = []
let folder: string
let cinder: TestCinder
let far: Backend

/** Starts a second host next to the one of `startTestCinder`. They share the database and the bus, but no backend. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-hosts-'))
  ending.push(() => rm(folder, { recursive: true }))
  const options = { portals: [`127.0.0.1:${await getPort({ host: '127.0.0.1' })}`], runFolder: join(folder, 'tgtd') }
  const volume = await openDriver('volume', '@hearth/driver-file', { folder: join(folder, 'volumes') }, deps)
  const exporter = await openDriver('export', '@hearth/driver-iscsi', options, deps)
  ending.push(() => exporter.close())
  far = { name: 'far', host: 'host2@far', volume, export: exporter }
  cinder = await startTestCinder()
  ending.push(() => cinder.close())
  const bus = await cinder.newBus()
  ending.push(() => bus.close())
  const shared = { database: cinder.database, bus, log, session, workFolder: join(folder, 'work') }
  const role = await startVolume({ ...shared, hostName: 'host2', backends: [far] })
  ending.push(() => role.close())
})
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

test('a volume is migrated to another host through a temporary export', async () => {
  const disable = { host: 'host1@memory', binary: 'cinder-volume' }
  await cinder.ask('PUT', '/os-services/disable', disable, { token: 'admin' })
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1 } })
  const { id } = body.volume
  await cinder.wait(`/volumes/${id}`, 'available')
  await cinder.ask('PUT', '/os-services/enable', disable, { token: 'admin' })
  const data = Buffer.alloc(2 ** 21, 0x29)
  const source = await bytesOf(far.volume, volumeRef(await getVolume(cinder.database.query, id)), { mode: 'rw' })
  await source.write(700 * 2 ** 20, data)
  await source.close()
  const action = { 'os-migrate_volume': { host: 'host1@memory#memory', lock_volume: true } }
  expect((await cinder.ask('POST', `/volumes/${id}/action`, action, { token: 'admin' })).status).toBe(202)
  const row = () => getVolume(cinder.database.query, id)
  await expect.poll(async () => (await row()).migration_status, { timeout: 50_000 }).toBe('success')
  expect(await row()).toMatchObject({ host: 'host1@memory#memory', status: 'available', provider_auth: null })
  const moved = await bytesOf(cinder.volume, volumeRef(await row()), { mode: 'r' })
  const back = Buffer.alloc(data.length)
  await moved.read(700 * 2 ** 20, back)
  await moved.close()
  expect(back.equals(data)).toBe(true)
  await expect.poll(() => far.volume.list!(), { timeout: 30_000 }).toEqual({ volumes: [], snapshots: [] })
  expect(await far.export!.list()).toEqual([])
})
