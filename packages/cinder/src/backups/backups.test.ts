import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bus, openBus } from '@hearth/bus'
import { type Identity, openMetrics, type Running, silentLog, uuid } from '@hearth/core'
import { type Database, migrate, openDatabase } from '@hearth/database'
import type { BackupStore, DriverDeps, ServiceSession, VolumeDriver } from '@hearth/driver'
import { openRunner } from '@hearth/driver'
import memory from '@hearth/driver-memory'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrations, roles } from '../index.ts'
import { recount } from '../quotas/store.ts'

const projectId = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
const identities: Record<string, Partial<Identity>> = {
  member: { userId: 'u1', projectId, roles: ['member', 'reader'], accessRules: null },
  admin: { userId: 'u2', projectId, roles: ['admin', 'member', 'reader'], accessRules: null },
}

let database: Database
let bus: Bus
let busName: string
let driver: VolumeDriver
let store: BackupStore
let folder: string
let url: string
const running: Running[] = []

const joinBus = () => openBus(`memory:${busName}`, { database, log: silentLog, service: 'cinder', firstPauseMs: 50 })

/** With a place on the bus of its own, so that it can end as a process does. */
async function startBackupRole(): Promise<Running> {
  const backends = [{ name: 'memory', host: 'host1@memory', volume: driver, export: null }]
  const own = await joinBus()
  const chunkBytes = 4 * 1024 * 1024
  const options = { backends, database, bus: own, log: silentLog, chunkBytes, store: async () => store }
  const role = await roles.backup({ hostName: 'host1', ...options })
  return {
    async close() {
      await role.close()
      await own.close()
    },
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-backups-'))
  database = await openDatabase('sqlite::memory:')
  await migrate(database, 'cinder', migrations)
  busName = uuid()
  bus = await joinBus()
  const deps: DriverDeps = { run: openRunner({ log: silentLog }), log: silentLog }
  const given = { folder: join(folder, 'volumes'), poolName: 'memory', totalGiB: 100, reservedPercentage: 0 }
  const options = { ...given, maxOverSubscriptionRatio: 20, capabilities: {}, delayMs: 0, fail: {} }
  driver = await memory.roles.volume!(options, deps)
  store = await memory.roles.backup!({ totalBytes: 2 ** 30 }, deps)
  const session = {} as ServiceSession
  const backends = [{ name: 'memory', host: 'host1@memory', volume: driver, export: null }]
  const api = await roles.api({
    ...{ host: '127.0.0.1', port: 0, database, bus, log: silentLog, metrics: openMetrics() },
    authenticator: {
      authenticate: async (token) => (identities[token] as Identity | undefined) ?? null,
      close: async () => undefined,
    },
  })
  url = `${api.url}/v3`
  running.push(api, await roles.scheduler({ hostName: 'host1', database, bus, log: silentLog }))
  const workFolder = join(folder, 'work')
  running.push(await roles.volume({ hostName: 'host1', backends, database, bus, log: silentLog, session, workFolder }))
  running.push(await startBackupRole())
  const limits = { volumes: 50, gigabytes: 500, backups: 50 }
  await call('PUT', `/os-quota-sets/${projectId}`, { quota_set: limits }, 'admin')
})

afterAll(async () => {
  for (const one of running.splice(0).reverse()) await one.close()
  await bus.close()
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

// What the API answers is known by each test.
type Answer = Record<string, { id: string; volume_id: string; backup_service: string; backup_url: string }>

async function call(method: string, path: string, body?: unknown, token = 'member') {
  const headers = { 'x-auth-token': token, 'openstack-api-version': 'volume 3.56', 'content-type': 'application/json' }
  const answer = await fetch(url + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) })
  const text = await answer.text()
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Answer }
}

async function waitFor(path: string, status: string): Promise<Record<string, unknown>> {
  for (const end = Date.now() + 20_000; ; await sleep(20)) {
    const answer = await call('GET', path)
    const [resource] = Object.values(answer.body) as Record<string, unknown>[]
    if (answer.status === 404 && status === 'gone') return {}
    if (resource?.status === status) return resource
    if (Date.now() > end) throw new Error(`${path} is ${JSON.stringify(resource)} and not ${status}`)
  }
}

async function makeVolume(fields: object = {}): Promise<string> {
  const { body } = await call('POST', '/volumes', { volume: { size: 1, ...fields } })
  const id = body.volume!.id
  await waitFor(`/volumes/${id}`, 'available')
  return id
}

const pathOf = async (id: string) => (await driver.address!({ id, name: `volume-${id}`, sizeGiB: 1 })).filename

async function write(id: string, bytes: Uint8Array, offset: number): Promise<void> {
  const file = await open(await pathOf(id), 'r+')
  await file.write(bytes, 0, bytes.length, offset)
  await file.close()
}

/** Compares two volumes of 1 GiB byte by byte. */
async function expectSameBytes(one: string, other: string): Promise<void> {
  const files = await Promise.all([one, other].map(async (id) => open(await pathOf(id), 'r')))
  const pieces = [Buffer.alloc(2 ** 25), Buffer.alloc(2 ** 25)] as const
  for (let at = 0; at < 2 ** 30; at += 2 ** 25) {
    const [a, b] = await Promise.all(files.map((file, n) => file.read(pieces[n]!, 0, 2 ** 25, at)))
    expect([a!.bytesRead, b!.bytesRead]).toEqual([2 ** 25, 2 ** 25])
    expect([at, pieces[0].equals(pieces[1])]).toEqual([at, true])
  }
  await Promise.all(files.map((file) => file.close()))
}

async function backUp(fields: object): Promise<string> {
  const answer = await call('POST', '/backups', { backup: fields })
  expect(answer).toMatchObject({ status: 202 })
  const id = answer.body.backup!.id
  await waitFor(`/backups/${id}`, 'available')
  return id
}

async function expectExactQuota(): Promise<void> {
  const answer = await call('GET', `/os-quota-sets/${projectId}?usage=true`)
  const counted = await recount(database.query, projectId)
  const set = answer.body.quota_set as unknown as Record<string, { in_use?: number }>
  for (const [key, usage] of Object.entries(set)) {
    if (key !== 'id') expect([key, usage.in_use]).toEqual([key, counted.get(key) ?? 0])
  }
}

test('a backup restored to a new volume has the same bytes, metadata and holes', async () => {
  const volume = await makeVolume({ name: 'precious', metadata: { colour: 'red' } })
  await write(volume, randomBytes(6_000_000), 3_000_000)
  await write(volume, Buffer.alloc(100_000, 'text '), 900_000_000)
  const backup = await backUp({ volume_id: volume, name: 'b', container: 'box' })
  expect(await waitFor(`/volumes/${volume}`, 'available')).toMatchObject({ id: volume })
  const { body } = await call('GET', `/backups/${backup}`, undefined, 'admin')
  expect(body.backup).toMatchObject({
    size: 1,
    object_count: 256,
    container: 'box',
    is_incremental: false,
    volume_id: volume,
  })
  const restored = await call('POST', `/backups/${backup}/restore`, { restore: {} })
  expect(restored).toMatchObject({
    status: 202,
    body: { restore: { backup_id: backup, volume_name: `restore_backup_${backup}` } },
  })
  const copy = restored.body.restore!.volume_id
  expect(await waitFor(`/volumes/${copy}`, 'available')).toMatchObject({
    name: 'precious',
    metadata: { colour: 'red' },
  })
  await expectSameBytes(copy, volume)
  expect((await stat(await pathOf(copy))).blocks * 512).toBeLessThan(30_000_000)
  await waitFor(`/backups/${backup}`, 'available')
  await expectExactQuota()
})

test('an incremental backup holds the changes only, and the chain restores over a volume with other bytes', async () => {
  const volume = await makeVolume()
  await write(volume, randomBytes(1_000_000), 0)
  const full = await backUp({ volume_id: volume })
  await write(volume, randomBytes(40_000), 500_000)
  await write(volume, Buffer.alloc(100_000), 100_000)
  const next = await backUp({ volume_id: volume, incremental: true })
  const { body } = await call('GET', `/backups/${next}`)
  expect(body.backup).toMatchObject({ is_incremental: true, object_count: 2 })
  expect(await call('DELETE', `/backups/${full}`)).toMatchObject({ status: 400 })
  const target = await makeVolume()
  await write(target, randomBytes(3_000_000), 50_000)
  const answer = await call('POST', `/backups/${next}/restore`, { restore: { volume_id: target } })
  expect(answer.status).toBe(202)
  await waitFor(`/backups/${next}`, 'available')
  await waitFor(`/volumes/${target}`, 'available')
  await expectSameBytes(target, volume)
  for (const id of [next, full]) {
    expect(await call('DELETE', `/backups/${id}`)).toMatchObject({ status: 202 })
    await waitFor(`/backups/${id}`, 'gone')
  }
  expect(await store.list('volumebackups', `volume_${volume}`)).toEqual([])
  await expectExactQuota()
})

test('a snapshot can be backed up while its volume goes on', async () => {
  const volume = await makeVolume()
  await write(volume, Buffer.from('then'), 0)
  const { body } = await call('POST', '/snapshots', { snapshot: { volume_id: volume } })
  const snapshot = body.snapshot!.id
  await waitFor(`/snapshots/${snapshot}`, 'available')
  await write(volume, Buffer.from('now!'), 0)
  const backup = await backUp({ volume_id: volume, snapshot_id: snapshot })
  await waitFor(`/snapshots/${snapshot}`, 'available')
  const answer = await call('POST', `/backups/${backup}/restore`, { restore: { name: 'mine' } })
  const copy = answer.body.restore!.volume_id
  expect(await waitFor(`/volumes/${copy}`, 'available')).toMatchObject({ name: 'mine' })
  expect((await readFile(await pathOf(copy))).subarray(0, 4).toString()).toBe('then')
})

test('a volume in use needs force, is read through a temporary snapshot, and is in use again afterwards', async () => {
  const volume = await makeVolume()
  await database.query('volumes').where({ id: volume }).update({ status: 'in-use' })
  const attachment = { id: uuid(), volume_id: volume, project_id: projectId, status: 'attached', created_at: 1 }
  await database.query('attachments').insert(attachment)
  expect(await call('POST', '/backups', { backup: { volume_id: volume } })).toMatchObject({
    status: 400,
    body: { badRequest: { message: 'Invalid volume: Backing up an in-use volume must use the force flag.' } },
  })
  await backUp({ volume_id: volume, force: true })
  await waitFor(`/volumes/${volume}`, 'in-use')
  const { snapshots } = await driver.list!()
  expect(snapshots.filter((name) => name.includes(volume))).toEqual([])
  expect(await database.query('backups').whereNotNull('temp_snapshot_id')).toEqual([])
})

test('without room in the store the backup ends in error, the volume is available, and nothing stays behind', async () => {
  const volume = await makeVolume()
  await write(volume, randomBytes(20_000_000), 0)
  const whole = store
  store = { ...whole, put: (container, name, data) => put(container, name, data) }
  const put = async (container: string, name: string, data: Uint8Array) => {
    if (name.endsWith('-00004'))
      throw Object.assign(new Error('full'), { [Symbol.for('hearth.driver-error')]: true, kind: 'no-space' })
    await whole.put(container, name, data)
  }
  const answer = await call('POST', '/backups', { backup: { volume_id: volume } })
  const backup = answer.body.backup!.id
  expect(await waitFor(`/backups/${backup}`, 'error')).toMatchObject({ fail_reason: 'full' })
  store = whole
  await waitFor(`/volumes/${volume}`, 'available')
  expect(await store.list('volumebackups', `volume_${volume}`)).toEqual([])
  const messages = (await call('GET', '/messages')).body.messages as unknown as { resource_uuid: string }[]
  expect(messages.map((message) => message.resource_uuid)).toContain(backup)
  await call('DELETE', `/backups/${backup}`)
  await waitFor(`/backups/${backup}`, 'gone')
  await expectExactQuota()
})

test('a role that stops in the middle of a backup goes on after its next start', async () => {
  const volume = await makeVolume()
  await write(volume, randomBytes(30_000_000), 0)
  const whole = store
  let seen = 0
  const { promise: third, resolve } = Promise.withResolvers<void>()
  store = {
    ...whole,
    async put(container, name, data, signal) {
      await whole.put(container, name, data, signal)
      seen += 1
      if (seen === 3) resolve()
      await sleep(50)
    },
  }
  const answer = await call('POST', '/backups', { backup: { volume_id: volume } })
  const backup = answer.body.backup!.id
  await third
  await running.pop()!.close()
  expect((await call('GET', `/backups/${backup}`)).body.backup).toMatchObject({ status: 'creating' })
  store = whole
  running.push(await startBackupRole())
  await waitFor(`/backups/${backup}`, 'available')
  await waitFor(`/volumes/${volume}`, 'available')
  const restored = await call('POST', `/backups/${backup}/restore`, { restore: null })
  const copy = restored.body.restore!.volume_id
  await waitFor(`/volumes/${copy}`, 'available')
  await expectSameBytes(copy, volume)
})

test('a backup that is being made can be deleted by force, which releases the volume', async () => {
  const volume = await makeVolume()
  await write(volume, randomBytes(30_000_000), 0)
  const whole = store
  store = {
    ...whole,
    async put(container, name, data, signal) {
      await sleep(30)
      await whole.put(container, name, data, signal)
    },
  }
  const backup = (await call('POST', '/backups', { backup: { volume_id: volume } })).body.backup!.id
  await sleep(60)
  expect(await call('POST', `/backups/${backup}/action`, { 'os-force_delete': null })).toMatchObject({ status: 403 })
  const forced = await call('POST', `/backups/${backup}/action`, { 'os-force_delete': null }, 'admin')
  expect(forced.status).toBe(202)
  await waitFor(`/volumes/${volume}`, 'available')
  await waitFor(`/backups/${backup}`, 'gone')
  store = whole
  expect(await store.list('volumebackups', `volume_${volume}`)).toEqual([])
  await expectExactQuota()
})

test('a broken object fails the restore before the volume is called available', async () => {
  const volume = await makeVolume()
  await write(volume, randomBytes(100), 0)
  const backup = await backUp({ volume_id: volume })
  const { service_metadata: prefix } = await database.query('backups').where({ id: backup }).first()
  await store.put('volumebackups', `${prefix}-00001`, Buffer.from('rubbish'))
  const answer = await call('POST', `/backups/${backup}/restore`, { restore: {} })
  const copy = answer.body.restore!.volume_id
  await waitFor(`/volumes/${copy}`, 'error_restoring')
  await waitFor(`/backups/${backup}`, 'available')
})

test('an exported record is taken in under another id and restores the same bytes', async () => {
  const volume = await makeVolume()
  await write(volume, Buffer.from('record'), 0)
  const backup = await backUp({ volume_id: volume })
  expect(await call('GET', `/backups/${backup}/export_record`)).toMatchObject({ status: 403 })
  const exported = (await call('GET', `/backups/${backup}/export_record`, undefined, 'admin')).body['backup-record']!
  expect(exported.backup_service).toBe('cinder.backup.drivers.swift.SwiftBackupDriver')
  const record = JSON.parse(Buffer.from(exported.backup_url, 'base64').toString())
  const id = uuid()
  const backup_url = Buffer.from(JSON.stringify({ ...record, id })).toString('base64')
  const body = { 'backup-record': { backup_service: exported.backup_service, backup_url } }
  expect(await call('POST', '/backups/import_record', body, 'admin')).toMatchObject({
    status: 201,
    body: { backup: { id } },
  })
  expect(await call('POST', '/backups/import_record', body, 'admin')).toMatchObject({ status: 400 })
  const answer = await call('POST', `/backups/${id}/restore`, { restore: {} })
  const copy = answer.body.restore!.volume_id
  await waitFor(`/volumes/${copy}`, 'available')
  await expectSameBytes(copy, volume)
  await expectExactQuota()
})
