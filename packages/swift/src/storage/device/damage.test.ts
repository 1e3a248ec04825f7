import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { afterEach, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'
import { auditDevices } from '../../keepers/audit.ts'
import { openTimestamps } from '../../model/timestamps.ts'
import { placeObject } from '../../placement/cluster.ts'

let cloud: Cloud
afterEach(() => cloud.close())

async function filesOf(device: string): Promise<string[]> {
  const folder = join(cloud.folder, device, 'bodies')
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  return files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

test('the auditor replaces damaged and missing replicas by sound ones', async () => {
  cloud = await openCloud({ keepers: false })
  const body = randomBytes(1_200_000)
  await cloud.call('PUT', '/c')
  await cloud.call('PUT', '/c/o', { body, headers: { 'x-object-meta-a': '1' } })
  await cloud.call('PUT', '/c/fine', { body: 'x' })
  const [first = ''] = await filesOf('sd1')
  await writeFile(first, body.subarray(0, 1_000_000))
  const [second = ''] = await filesOf('sd2')
  await rm(second)
  const deps = {
    storage: cloud.storage,
    timestamps: openTimestamps(),
    log: silentLog,
    reclaimAge: 0,
    auditRate: 1e9,
    goOn: () => true,
  }
  expect(await auditDevices(deps)).toBe(2)
  expect(await auditDevices(deps)).toBe(0)
  for (const device of ['sd1', 'sd2', 'sd3']) {
    const files = await filesOf(device)
    expect(await Promise.all(files.map(async (path) => (await readFile(path)).equals(body)))).toEqual([true])
  }
  expect((await cloud.call('HEAD', '/c')).headers.get('x-container-object-count')).toBe('2')
  expect((await cloud.call('HEAD', '/c/o')).headers.get('x-object-meta-a')).toBe('1')
})

test('a damaged or missing replica is not noticed by the reader', async () => {
  cloud = await openCloud({ keepers: false })
  const body = randomBytes(3_500_000)
  await cloud.call('PUT', '/c')
  await cloud.call('PUT', '/c/o', { body })
  const read = async () =>
    createHash('md5')
      .update(Buffer.from(await (await cloud.call('GET', '/c/o')).arrayBuffer()))
      .digest('hex')
  const md5 = createHash('md5').update(body).digest('hex')
  for (const device of ['sd1', 'sd2']) {
    const [path = ''] = await filesOf(device)
    const bytes = await readFile(path)
    bytes[2_500_000]! ^= 1
    await writeFile(path, bytes)
    expect(await read()).toBe(md5)
  }
  const [path = ''] = await filesOf('sd1')
  await rm(path)
  expect(await read()).toBe(md5)
  const [last = ''] = await filesOf('sd3')
  await rm(last)
  // The first two MiB are good on sd2; no device has the rest, so the connection is cut.
  await expect(read()).rejects.toThrow()
})

test('a device that cannot be opened is done without', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'swift-broken-'))
  await writeFile(join(folder, 'sd2'), 'not a folder')
  cloud = await openCloud({ folder, keepers: false })
  try {
    expect((await cloud.call('PUT', '/c')).status).toBe(201)
    for (const body of ['small', 'x'.repeat(100_000)]) {
      expect((await cloud.call('PUT', '/c/o', { body })).status).toBe(201)
      expect(await (await cloud.call('GET', '/c/o')).text()).toBe(body)
    }
    expect((await cloud.call('DELETE', '/c/o')).status).toBe(204)
    expect((await cloud.call('DELETE', '/c')).status).toBe(204)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('damage that a reader meets is repaired at once', async () => {
  cloud = await openCloud()
  const body = randomBytes(1_500_000)
  await cloud.call('PUT', '/c')
  await cloud.call('PUT', '/c/o', { body })
  const [first, second] = placeObject(cloud.storage.cluster, 'AUTH_ann-project', 'c', 'o').primaries
  const [one, two] = [first!, second!].map(({ key }) => key.split('/').at(-1)!)
  const isWhole = async (device: string) => {
    const files = await filesOf(device)
    // The repair may remove the file between the two steps.
    const found = files.length === 1 ? await readFile(files[0]!).catch(() => null) : null
    return found?.equals(body) ?? false
  }
  // Whichever replica a reader takes first is damaged, and the next one is missing.
  await writeFile((await filesOf(one!))[0]!, body.subarray(0, 1_000_000))
  await rm((await filesOf(two!))[0]!)
  expect(Buffer.from(await (await cloud.call('GET', '/c/o')).arrayBuffer()).equals(body)).toBe(true)
  for (let time = 0; time < 500 && !((await isWhole(one!)) && (await isWhole(two!))); time++)
    await new Promise((resolve) => setTimeout(resolve, 20))
  expect([await isWhole(one!), await isWhole(two!)]).toEqual([true, true])
}, 30_000)
