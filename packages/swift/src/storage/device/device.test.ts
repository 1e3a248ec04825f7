import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { afterEach, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'
import type { KeeperDeps } from '../../keepers/deps.ts'
import { fillDevices } from '../../keepers/fill.ts'
import { recordsOf } from '../../placement/open-storage.ts'
import { newBodyFile } from '../bodies/bodies.ts'
import { openEngine } from '../engine/engine.ts'
import { openSqlite } from '../records/sqlite.ts'
import { leaveRequest } from './requests.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'swift-device-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function openOn(folder: string): Promise<Cloud> {
  const cloud = await openCloud({ folder, keepers: false })
  undo.push(() => cloud.close())
  return cloud
}

const depsOf = ({ storage }: Cloud): KeeperDeps => ({
  ...{ storage, timestamps: storage.timestamps, log: silentLog },
  ...{ reclaimAge: 0, auditRate: 1e9, goOn: () => true },
})

const object = {
  ...{ hash: '0'.repeat(32), name: '/a/c/o', timestamp: '1700000000.00000', metaTimestamp: '1700000000.00000' },
  ...{ deleted: false, size: 1, etag: 'x', contentType: 'x', deleteAt: null, metadata: {}, sysmeta: {} },
  ...{ sums: null, body: null },
}
const listing = {
  ...{ account: 'a', accountHash: '1'.repeat(32), accountCovered: true, container: 'c', object: 'o' },
  ...{ containerHash: '2'.repeat(32), here: true, elsewhere: [] },
}

test('devices that are open are refused to whoever opens them next, and an upload under way ends well', async () => {
  const folder = await makeFolder()
  const first = await openOn(folder)
  await first.call('PUT', '/c')
  const body = randomBytes(3_000_000)
  let send: (() => void) | undefined
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(body.subarray(0, 2_000_000))
      await new Promise<void>((resolve) => {
        send = resolve
      })
      controller.enqueue(body.subarray(2_000_000))
      controller.close()
    },
  })
  const put = first.call('PUT', '/c/o', { body: stream })
  while (readdirSync(join(folder, 'sd1', 'bodies'), { recursive: true, withFileTypes: true }).every((e) => !e.isFile()))
    await new Promise(setImmediate)
  await expect(openCloud({ folder, keepers: false })).rejects.toMatchObject({
    code: 'Locked',
    params: { pid: process.pid },
  })
  send!()
  expect((await put).status).toBe(201)
  expect(Buffer.from(await (await first.call('GET', '/c/o')).arrayBuffer()).equals(body)).toBe(true)
})

test('a body whose file has gone is not acknowledged', async () => {
  const folder = await makeFolder()
  const engine = await openEngine({ folder, log: silentLog })
  undo.push(() => engine.close())
  const early = await engine.stage(object.hash, 1)
  await early.write([Buffer.from('x')])
  await rm(join(folder, early.file))
  await expect(early.finish()).rejects.toMatchObject({ kind: 'missing' })
  await early.abort()
  const late = await engine.stage(object.hash, 1)
  await late.write([Buffer.from('x')])
  await late.finish()
  await rm(join(folder, late.file))
  const write = engine.write('putObject', { object: { ...object, file: late.file }, listing }, late.file)
  await expect(write).rejects.toMatchObject({ kind: 'missing' })
  expect(await engine.read('getObject', { hash: object.hash })).toBe(null)
})

test('only a body file that the device itself has opened becomes part of it', async () => {
  const folder = await makeFolder()
  const engine = await openEngine({ folder: join(folder, 'sd1'), log: silentLog })
  undo.push(() => engine.close())
  await writeFile(join(folder, 'victim'), 'kept')
  for (const file of ['../victim', 'bodies/../../victim', newBodyFile(object.hash)])
    for (let time = 1; time <= 2; time++) {
      const write = engine.write(
        'putObject',
        { object: { ...object, timestamp: `170000000${time}.00000`, file }, listing },
        file,
      )
      await expect(write).rejects.toMatchObject({ kind: 'missing' })
    }
  expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('kept')
  const range = { size: 4, sums: new Uint8Array(4), start: 0, end: 4 }
  await expect(engine.body({ ...range, file: '../victim' }).next()).rejects.toMatchObject({ kind: 'missing' })
  await expect(engine.stage('../../../../../../tmp/x', 1)).rejects.toMatchObject({ kind: 'offline' })
})

test('a body that nobody goes on writing is removed after a time', async () => {
  const folder = await makeFolder()
  const engine = await openEngine({ folder, log: silentLog, idleUpload: 20 })
  undo.push(() => engine.close())
  const stage = await engine.stage(object.hash, 1)
  await stage.write([Buffer.from('x')])
  while (existsSync(join(folder, stage.file))) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(engine.staged(stage.file)).toBe(undefined)
})

test('what a device holds is for its owner alone, whatever the umask', async () => {
  const folder = await makeFolder()
  const before = process.umask(0)
  try {
    const cloud = await openOn(folder)
    await cloud.call('PUT', '/c')
    await cloud.call('PUT', '/c/o', { body: randomBytes(100_000) })
    await cloud.storage.devices.get('sd1')!.look()
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    const open = entries.filter((entry) => (statSync(join(entry.parentPath, entry.name)).mode & 0o077) !== 0)
    expect(open.map((entry) => join(entry.parentPath, entry.name))).toEqual([])
    expect(entries.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['index.db-wal', 'object.ring.gz', 'sd1.json']),
    )
  } finally {
    process.umask(before)
  }
})

test('after a clean stop the index alone holds everything', async () => {
  const folder = await makeFolder()
  const cloud = await openOn(folder)
  await cloud.call('PUT', '/c')
  for (let number = 0; number < 20; number++) await cloud.call('PUT', `/c/o${number}`, { body: 'x' })
  await cloud.close()
  await copyFile(join(folder, 'sd1', 'index.db'), join(folder, 'copy.db'))
  const copy = openSqlite(join(folder, 'copy.db'))
  expect(copy.sql('SELECT COUNT(*) AS count FROM objects').get()).toEqual({ count: 20 })
  copy.close()
})

test('a device whose index is unreadable leaves the service, and is filled again from its peers when asked', async () => {
  const folder = await makeFolder()
  const first = await openOn(folder)
  await first.call('PUT', '/c', { headers: { 'x-container-meta-a': '1' } })
  const body = randomBytes(100_000)
  await first.call('PUT', '/c/large', { body })
  await first.call('PUT', '/c/small', { body: 'x' })
  await first.close()
  await writeFile(join(folder, 'sd1', 'index.db'), randomBytes(100_000))
  const second = await openOn(folder)
  const device = second.storage.devices.get('sd1')!
  expect(device.state()).toMatchObject({
    state: 'damaged',
    reason: expect.stringContaining('hearth object rebuild sd1'),
  })
  expect(Buffer.from(await (await second.call('GET', '/c/large')).arrayBuffer()).equals(body)).toBe(true)
  expect((await second.call('PUT', '/c/more', { body: 'x' })).status).toBe(201)
  await device.look()
  expect(device.state().state).toBe('damaged')
  await leaveRequest(recordsOf(folder), 'sd1', 'rebuild')
  await device.look()
  expect(device.state().state).toBe('filling')
  await fillDevices(depsOf(second))
  expect(device.state().state).toBe('online')
  const held = await device.read('listChanges', { since: '', after: 0, limit: 10 })
  expect(held).toHaveLength(3)
  const [container] = await device.read('listContainers', { after: 0, limit: 10 })
  expect(container!.value).toMatchObject({
    container: 'c',
    objectCount: 3,
    metadata: { 'x-container-meta-a': expect.anything() },
  })
})

test('an index that turns out to be damaged while it is used takes the device out of the service', async () => {
  const folder = await makeFolder()
  const cloud = await openOn(folder)
  await cloud.call('PUT', '/c')
  for (let number = 0; number < 300; number++) await cloud.call('PUT', `/c/o${number}`, { body: 'x'.repeat(3000) })
  await cloud.close()
  const index = await open(join(folder, 'sd1', 'index.db'), 'r+')
  for (let page = 4; page < 300; page++) await index.write(randomBytes(4096), 0, 4096, page * 4096)
  await index.close()
  const again = await openOn(folder)
  for (let number = 0; number < 20; number++) expect((await again.call('GET', `/c/o${number}`)).status).toBe(200)
  expect((await again.call('DELETE', '/c/o1')).status).toBe(204)
  expect(again.storage.devices.get('sd1')!.state().state).toBe('damaged')
}, 30_000)
