import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'

const run = promisify(execFile)
const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** Devices on small disks of their own; needs root to mount them. */
async function openSmall(small: string[], mebibytes: number, reserve?: number): Promise<Cloud> {
  const folder = await mkdtemp(join(tmpdir(), 'swift-full-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  for (const id of small) {
    await mkdir(join(folder, id))
    await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', join(folder, id)])
    undo.push(() => run('umount', [join(folder, id)]))
  }
  const cloud = await openCloud({ folder, storage: reserve === undefined ? {} : { reserve } })
  undo.push(() => cloud.close())
  await cloud.call('PUT', '/c')
  return cloud
}

async function bodyFiles(cloud: Cloud, device: string): Promise<number> {
  const files = await readdir(join(cloud.folder, device, 'bodies'), { recursive: true, withFileTypes: true })
  return files.filter((entry) => entry.isFile()).length
}

const all = ['sd1', 'sd2', 'sd3']

for (const reserve of [1_000_000, 0]) {
  test(`a PUT that does not fit answers 507 and leaves no bytes, with a reserve of ${reserve} bytes`, async () => {
    const cloud = await openSmall(all, 8, reserve)
    expect((await cloud.call('PUT', '/c/fits', { body: randomBytes(1_000_000) })).status).toBe(201)
    const stream = () =>
      new ReadableStream({
        start(controller) {
          for (let piece = 0; piece < 9; piece++) controller.enqueue(randomBytes(1_000_000))
          controller.close()
        },
      })
    // With a length the refusal comes before the body, without one when the disk runs full.
    expect((await cloud.call('PUT', '/c/known', { body: randomBytes(9_000_000) })).status).toBe(507)
    expect((await cloud.call('PUT', '/c/chunked', { body: stream() })).status).toBe(507)
    for (const device of all) expect(await bodyFiles(cloud, device)).toBe(1)
    expect(await (await cloud.call('GET', '/c')).text()).toBe('fits\n')
    expect((await cloud.call('GET', '/c/chunked')).status).toBe(404)
  }, 30_000)
}

test('small objects fill the disk to a 507, and can be deleted then', async () => {
  const cloud = await openSmall(all, 48)
  let stored = 0
  let status = 201
  for (; status === 201 && stored < 2000; stored++)
    status = (await cloud.call('PUT', `/c/${stored}`, { body: randomBytes(16_000) })).status
  expect([status, stored > 20]).toEqual([507, true])
  expect((await cloud.call('GET', '/c/0')).status).toBe(200)
  expect((await cloud.call('DELETE', '/c/0')).status).toBe(204)
  expect((await cloud.call('GET', '/c/0')).status).toBe(404)
}, 60_000)

test('one full device of three does not stop writes', async () => {
  const cloud = await openSmall(['sd2'], 8, 0)
  const body = randomBytes(20_000_000)
  expect((await cloud.call('PUT', '/c/large', { body })).status).toBe(201)
  expect(Buffer.from(await (await cloud.call('GET', '/c/large')).arrayBuffer()).equals(body)).toBe(true)
  expect(await bodyFiles(cloud, 'sd2')).toBe(0)
}, 30_000)

test('fewer devices than replicas is refused with both numbers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'swift-one-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const devices = [{ id: 'sd1', path: join(folder, 'sd1') }]
  await expect(openCloud({ folder, devices })).rejects.toThrow('Replica count of 3 requires more than 1 devices')
})
