import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { type Blocks, bytesOf, openDriver, openRunner, type VolumeDriver } from '@hearth/driver'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend } from '../model/backends.ts'
import { recount } from '../model/quotas/store.ts'
import { getVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import { project, startTestCinder, type TestCinder } from '../start-for-tests.ts'

const mib = 1024 ** 2
const marks = [0, 300 * mib, 600 * mib, 900 * mib]

/** A write that waits at the third offset of `marks`, for tests that act in the middle of a copy. */
interface Gate {
  reached: Promise<void>
  open(): void
}

let folder: string
let cinder: TestCinder
let other: Backend
let gate: Gate | null
/** Offsets of all writes to the file backend. */
let written: number[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-migrate-'))
  const log = silentLog
  const volume = await openDriver('volume', '@hearth/driver-file', { folder }, { run: openRunner({ log }), log })
  const gated: VolumeDriver = {
    ...volume,
    openVolume: async (ref, mode) => gateWrites(await bytesOf(volume, ref, { mode })),
  }
  other = { name: 'file', host: 'host1@file', volume: gated, export: null, isExclusive: true }
  gate = null
  written = []
  cinder = await startTestCinder({ backends: [other] })
  await cinder.ask('PUT', `/os-quota-sets/${project}`, { quota_set: { gigabytes: 100 } }, { token: 'admin' })
})
afterEach(async () => {
  gate?.open()
  await cinder.close()
  await rm(folder, { recursive: true })
})

function gateWrites(blocks: Blocks): Blocks {
  return {
    ...blocks,
    async write(offset, data) {
      if (gate && offset >= marks[2]!) await gatekeeper!()
      written.push(offset)
      return blocks.write(offset, data)
    },
  }
}

let gatekeeper: (() => Promise<void>) | undefined

function closeGate(): Gate {
  const [arrival, opening] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gate = { reached: arrival.promise, open: opening.resolve }
  gatekeeper = () => {
    arrival.resolve()
    return opening.promise
  }
  return gate
}

/** Creates a volume on the memory backend, with data at the marks. */
async function make(): Promise<string> {
  const service = { host: 'host1@file', binary: 'cinder-volume' }
  await cinder.ask('PUT', '/os-services/disable', service, { token: 'admin' })
  const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1 } })
  const { id } = body.volume
  await cinder.wait(`/volumes/${id}`, 'available')
  await cinder.ask('PUT', '/os-services/enable', service, { token: 'admin' })
  const blocks = await bytesOf(cinder.volume, volumeRef(await rowOf(id)), { mode: 'rw' })
  for (const at of marks) await blocks.write(at, Buffer.alloc(mib, 1 + at / mib / 300))
  await blocks.close()
  return id
}

/** Creates a volume type that only the backend with this name satisfies. */
async function makeType(name: string, backend: string): Promise<void> {
  const extra_specs = { volume_backend_name: backend }
  const { status } = await cinder.ask('POST', '/types', { volume_type: { name, extra_specs } }, { token: 'admin' })
  expect(status).toBe(200)
}

function rowOf(id: string): Promise<VolumeRow> {
  return getVolume(cinder.database.query, id)
}

async function isWhole(driver: VolumeDriver, row: VolumeRow): Promise<boolean> {
  const blocks = await bytesOf(driver, volumeRef(row), { mode: 'r' })
  const same = marks.map(async (at) => {
    const back = Buffer.alloc(2 * mib)
    await blocks.read(at, back)
    return back.equals(Buffer.concat([Buffer.alloc(mib, 1 + at / mib / 300), Buffer.alloc(mib)]))
  })
  return (await Promise.all(same)).every(Boolean) && (await blocks.close()) === undefined
}

const act = (id: string, action: object, token = 'admin') =>
  cinder.ask('POST', `/volumes/${id}/action`, action, { token })

const migrate = (id: string, more: object = {}) =>
  act(id, { 'os-migrate_volume': { host: 'host1@file#file', ...more } })

async function waitForMigration(id: string, outcome: string): Promise<VolumeRow> {
  await expect.poll(async () => (await rowOf(id)).migration_status, { timeout: 30_000 }).toBe(outcome)
  return rowOf(id)
}

async function countVolumes(): Promise<{ volumes: number; here: number; there: number }> {
  const rows = async () => (await cinder.database.query('volumes').select('id')).length
  await expect.poll(rows, { timeout: 30_000 }).toBe(1)
  const [here, there] = await Promise.all([cinder.volume.list!(), other.volume.list!()])
  return { volumes: 1, here: here.volumes.length, there: there.volumes.length }
}

async function expectCorrectQuota(): Promise<void> {
  const { body } = await cinder.ask('GET', `/os-quota-sets/${project}?usage=true`)
  const counted = await recount(cinder.database.query, project)
  const usages = Object.entries(body.quota_set as Record<string, { in_use: number }>).filter(([key]) => key !== 'id')
  expect(Object.fromEntries(usages.map(([key, { in_use }]) => [key, in_use]))).toEqual(
    Object.fromEntries(usages.map(([key]) => [key, counted.get(key) ?? 0])),
  )
}

test('a migrated volume keeps its id and bytes, and nothing stays on the old backend', async () => {
  const id = await make()
  expect((await migrate(id)).status).toBe(202)
  const row = await waitForMigration(id, 'success')
  expect(row).toMatchObject({ status: 'available', host: 'host1@file#file', task: null })
  expect(await isWhole(other.volume, row)).toBe(true)
  expect(await countVolumes()).toEqual({ volumes: 1, here: 0, there: 1 })
  await expectCorrectQuota()
  expect((await cinder.ask('DELETE', `/volumes/${id}`)).status).toBe(202)
  await cinder.wait(`/volumes/${id}`, 'gone')
  expect((await other.volume.list!()).volumes).toEqual([])
})

test('a locked volume is in maintenance during its migration, and only administrators see the target', async () => {
  const id = await make()
  const { reached, open } = closeGate()
  await migrate(id, { lock_volume: true })
  await reached
  expect(await rowOf(id)).toMatchObject({ status: 'maintenance', migration_status: 'migrating' })
  const listed = async (token: string) =>
    (await cinder.ask('GET', '/volumes', undefined, { token })).body.volumes.length
  expect([await listed('member'), await listed('admin')]).toEqual([1, 2])
  expect((await cinder.ask('DELETE', `/volumes/${id}`)).status).toBe(400)
  open()
  expect(await waitForMigration(id, 'success')).toMatchObject({ status: 'available' })
})

test('a migration without permission, with a wrong destination, or of a volume with snapshots is refused', async () => {
  const id = await make()
  const refused = async (body: object, token?: string) => (await act(id, { 'os-migrate_volume': body }, token)).status
  expect(await refused({ host: 'host1@file#file' }, 'member')).toBe(403)
  expect(await refused({})).toBe(400)
  expect(await refused({ host: 'host9@nowhere#pool' })).toBe(400)
  expect(await refused({ host: 'host1@memory#memory' })).toBe(400)
  const { body } = await cinder.ask('POST', '/snapshots', { snapshot: { volume_id: id } })
  await cinder.wait(`/snapshots/${body.snapshot.id}`, 'available')
  expect(await refused({ host: 'host1@file#file' })).toBe(400)
  expect(await rowOf(id)).toMatchObject({ status: 'available', migration_status: null })
})

test('a migration that a stop of the role interrupts continues from the last checkpoint', async () => {
  const id = await make()
  const { reached, open } = closeGate()
  await migrate(id)
  await reached
  const target = await cinder.database
    .query('volumes')
    .where({ migration_status: `target:${id}` })
    .first()
  await expect.poll(async () => JSON.parse((await rowOf(target.id)).task!).copied).toBeGreaterThan(0)
  const { copied } = JSON.parse((await rowOf(target.id)).task!)
  const closing = cinder.restartVolume()
  gate = null
  open()
  await closing
  const row = await waitForMigration(id, 'success')
  // Each mark before the checkpoint was written once, by the first attempt.
  const early = written.filter((offset) => offset < copied)
  expect(early.toSorted((a, b) => a - b)).toEqual([...new Set(early)].toSorted((a, b) => a - b))
  expect(early.length).toBeGreaterThan(0)
  expect(await isWhole(other.volume, row)).toBe(true)
  expect(await countVolumes()).toEqual({ volumes: 1, here: 0, there: 1 })
})

test('a volume that is used during its migration stays on its backend, and the copy is removed', async () => {
  const id = await make()
  const { reached, open } = closeGate()
  await migrate(id)
  await reached
  expect((await act(id, { 'os-reserve': {} }, 'member')).status).toBe(202)
  expect((await act(id, { 'os-unreserve': {} }, 'member')).status).toBe(202)
  open()
  const row = await waitForMigration(id, 'error')
  expect(row).toMatchObject({ status: 'available', host: 'host1@memory#memory' })
  expect(await isWhole(cinder.volume, row)).toBe(true)
  expect(await countVolumes()).toEqual({ volumes: 1, here: 1, there: 0 })
})

test('an administrator ends a migration by completing it with an error', async () => {
  const id = await make()
  const { reached, open } = closeGate()
  await migrate(id, { lock_volume: true })
  await reached
  const target = await cinder.database
    .query('volumes')
    .where({ migration_status: `target:${id}` })
    .first()
  const complete = (new_volume: string) => act(id, { 'os-migrate_volume_completion': { new_volume, error: true } })
  expect((await complete(id)).status).toBe(400)
  expect(await complete(target.id)).toMatchObject({ status: 200, body: { save_volume_id: id } })
  expect(await rowOf(id)).toMatchObject({ status: 'available', migration_status: 'error' })
  open()
  expect(await countVolumes()).toEqual({ volumes: 1, here: 1, there: 0 })
})

test('a retype migrates the volume only on demand, and type, quota and bytes are correct afterwards', async () => {
  await makeType('elsewhere', 'file')
  const id = await make()
  await act(id, { 'os-retype': { new_type: 'elsewhere' } }, 'member')
  await cinder.wait(`/volumes/${id}`, 'available')
  expect(await rowOf(id)).toMatchObject({ host: 'host1@memory#memory', migration_status: null })
  await expectCorrectQuota()
  await act(id, { 'os-retype': { new_type: 'elsewhere', migration_policy: 'on-demand' } }, 'member')
  const row = await waitForMigration(id, 'success')
  expect((await cinder.wait(`/volumes/${id}`, 'available')).volume_type).toBe('elsewhere')
  expect(row.host).toBe('host1@file#file')
  expect(await isWhole(other.volume, row)).toBe(true)
  expect(await countVolumes()).toEqual({ volumes: 1, here: 0, there: 1 })
  await expectCorrectQuota()
})

test('a retype whose destination fails leaves type, quota and bytes as they were', async () => {
  await makeType('elsewhere', 'file')
  const id = await make()
  other.volume.create = async () => {
    throw new Error('the storage broke')
  }
  await act(id, { 'os-retype': { new_type: 'elsewhere', migration_policy: 'on-demand' } }, 'member')
  const row = await waitForMigration(id, 'error')
  expect((await cinder.wait(`/volumes/${id}`, 'available')).volume_type).toBe('__DEFAULT__')
  expect(await isWhole(cinder.volume, row)).toBe(true)
  expect(await countVolumes()).toEqual({ volumes: 1, here: 1, there: 0 })
  await expectCorrectQuota()
})
