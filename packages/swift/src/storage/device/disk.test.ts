import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'
import { recordsOf } from '../../placement/open-storage.ts'
import { leaveRequest } from './requests.ts'

const run = promisify(execFile)
const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A file system of its own in a file; needs root to mount it. */
async function makeDisk(folder: string, name: string, mebibytes: number): Promise<string> {
  const image = join(folder, `${name}.img`)
  const handle = await open(image, 'w')
  await handle.truncate(mebibytes * 1024 * 1024)
  await handle.close()
  await run('mkfs.ext4', ['-q', image])
  return image
}

async function mount(image: string, point: string): Promise<void> {
  await mkdir(point, { recursive: true })
  await run('mount', ['-o', 'loop', image, point])
  undo.push(() => run('umount', ['--lazy', point]).catch(() => undefined))
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'swift-disk-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function openOn(folder: string): Promise<Cloud> {
  const devices = ['sd1', 'sd2', 'sd3'].map((id) => ({ id, path: join(folder, id, 'objects') }))
  const cloud = await openCloud({ folder, devices, keepers: false })
  undo.push(() => cloud.close())
  return cloud
}

/** Takes all the space that is left, as another program might. */
async function fill(point: string): Promise<() => Promise<void>> {
  const path = join(point, 'other-program')
  const handle = await open(path, 'w')
  for (const size of [1_000_000, 4096]) {
    const piece = randomBytes(size)
    while ((await handle.write(piece).catch(() => ({ bytesWritten: 0 }))).bytesWritten === size);
  }
  await handle.sync()
  await handle.close()
  return () => rm(path)
}

test('on full disks objects can be deleted, and all goes on when there is space again', async () => {
  const folder = await makeFolder()
  for (const id of ['sd1', 'sd2', 'sd3']) await mount(await makeDisk(folder, id, 160), join(folder, id))
  const cloud = await openOn(folder)
  await cloud.call('PUT', '/c')
  for (let number = 0; number < 10; number++) await cloud.call('PUT', `/c/o${number}`, { body: randomBytes(100_000) })
  const frees = await Promise.all(['sd1', 'sd2', 'sd3'].map((id) => fill(join(folder, id))))
  expect((await statfs(join(folder, 'sd1'))).bavail).toBeLessThan(16)
  expect((await cloud.call('PUT', '/c/more', { body: 'x' })).status).toBe(507)
  for (let number = 0; number < 10; number++)
    expect([number, (await cloud.call('DELETE', `/c/o${number}`)).status]).toEqual([number, 204])
  expect((await cloud.call('GET', '/c')).status).toBe(204)
  expect((await cloud.call('GET', '/c/o1')).status).toBe(404)
  for (const free of frees) await free()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect((await cloud.call('PUT', '/c/more', { body: 'x' })).status).toBe(201)
}, 60_000)

test('the folder of a disk that is not mounted is not written to, and the disk serves when it is back', async () => {
  const folder = await makeFolder()
  const [image, other] = [await makeDisk(folder, 'one', 100), await makeDisk(folder, 'other', 100)]
  const point = join(folder, 'sd1')
  await mount(image, point)
  const first = await openOn(folder)
  await first.call('PUT', '/c')
  await first.call('PUT', '/c/o', { body: randomBytes(50_000) })
  await first.close()
  await run('umount', [point])
  const second = await openOn(folder)
  const device = second.storage.devices.get('sd1')!
  expect(device.state()).toMatchObject({
    state: 'offline',
    reason: expect.stringContaining('is not the disk that was sd1'),
  })
  expect((await second.call('PUT', '/c/more', { body: randomBytes(50_000) })).status).toBe(201)
  expect(readdirSync(point)).toEqual([])
  await run('mount', ['-o', 'loop', image, point])
  await device.look()
  expect(device.state().state).toBe('online')
  expect(await device.read('listChanges', { since: '', after: 0, limit: 10 })).toHaveLength(1)
  // The disk goes while it is in use, and another one comes in its place.
  await run('umount', ['--lazy', point])
  await device.look()
  expect(device.state().state).toBe('offline')
  expect(readdirSync(point)).toEqual([])
  await run('mount', ['-o', 'loop', other, point])
  await device.look()
  expect(device.state().state).toBe('offline')
  await leaveRequest(recordsOf(folder), 'sd1', 'accept')
  await device.look()
  expect(device.state().state).toBe('filling')
}, 60_000)

test('a device that belongs to another cluster is not opened', async () => {
  const folder = await makeFolder()
  const first = await openOn(folder)
  await first.call('PUT', '/c')
  await first.close()
  const devices = ['sd1', 'sd2', 'sd3'].map((id) => ({ id, path: join(folder, id, 'objects') }))
  const storage = { salt: { prefix: '', suffix: 'another' }, dataFolder: join(folder, 'new') }
  await expect(openCloud({ folder, devices, storage, keepers: false })).rejects.toThrow('belongs to another cluster')
})

test('while the file system of one device is frozen reads and writes go on without it', async () => {
  const folder = await makeFolder()
  const point = join(folder, 'sd1')
  await mount(await makeDisk(folder, 'one', 200), point)
  const cloud = await openOn(folder)
  await cloud.call('PUT', '/c')
  const body = randomBytes(200_000)
  for (let number = 0; number < 5; number++) await cloud.call('PUT', `/c/o${number}`, { body })
  // Thawed by a process of its own, so that a test that fails leaves nothing frozen.
  const freezer = spawn(
    'sh',
    ['-c', 'fsfreeze --freeze "$0" && echo frozen && sleep 4; fsfreeze --unfreeze "$0"', point],
    {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  const thawed = once(freezer, 'exit')
  undo.push(() => thawed)
  await once(freezer.stdout, 'data')
  let longest = 0
  let last = performance.now()
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 10)
  const puts = await Promise.all([5, 6, 7].map((number) => cloud.call('PUT', `/c/o${number}`, { body })))
  expect(puts.map(({ status }) => status)).toEqual([201, 201, 201])
  expect((await cloud.call('GET', '/c/o1')).status).toBe(200)
  clearInterval(beat)
  await thawed
  // A process that waits for a frozen disk would have stood still for seconds.
  expect(longest).toBeLessThan(2000)
  expect((await cloud.call('DELETE', '/c/o0')).status).toBe(204)
  await writeFile(join(point, 'thawed'), '')
  expect((await cloud.call('PUT', '/c/after', { body })).status).toBe(201)
}, 60_000)
