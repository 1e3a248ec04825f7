import { createHash, randomBytes } from 'node:crypto'
import { silentLog } from '@hearth/core'
import { expect, test } from 'vitest'
import { openCloud } from '../for-tests/cloud.ts'
import { openTimestamps } from '../model/timestamps.ts'
import { recordsOf } from '../placement/open-storage.ts'
import { leaveRequest } from '../storage/device/requests.ts'
import type { KeeperDeps } from './deps.ts'
import { expireObjects } from './expire.ts'
import { reclaimTombstones } from './reclaim.ts'

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const depsOf = (cloud: Awaited<ReturnType<typeof openCloud>>, reclaimAge = 0): KeeperDeps => ({
  storage: cloud.storage,
  timestamps: openTimestamps(),
  log: silentLog,
  reclaimAge,
  auditRate: 1e9,
  goOn: () => true,
})

test('an expired object is gone for readers at once and removed from disk and listing by the keeper', async () => {
  const cloud = await openCloud({ keepers: { intervals: { expire: 200 } } })
  try {
    await cloud.call('PUT', '/c')
    const put = await cloud.call('PUT', '/c/short', { body: 'x', headers: { 'x-delete-after': '4' } })
    expect(put.status).toBe(201)
    expect((await cloud.call('HEAD', '/c/short')).headers.get('x-delete-at')).toMatch(/^\d{10}$/)
    await cloud.call('PUT', '/c/kept', { body: 'x' })
    await cloud.call('POST', '/c/kept', { headers: { 'x-delete-at': String(Math.floor(Date.now() / 1000) + 1000) } })
    await wait(6000)
    expect((await cloud.call('GET', '/c/short')).status).toBe(404)
    expect(await (await cloud.call('GET', '/c')).text()).toBe('kept\n')
    expect((await cloud.call('GET', '/c/kept')).status).toBe(200)
  } finally {
    await cloud.close()
  }
})

test('an object that was given a later end is not removed at its first', async () => {
  const cloud = await openCloud({ keepers: false })
  try {
    await cloud.call('PUT', '/c')
    await cloud.call('PUT', '/c/o', { body: 'x', headers: { 'x-delete-after': '3' } })
    await cloud.call('POST', '/c/o')
    await wait(3500)
    expect(await expireObjects(depsOf(cloud))).toBe(0)
    expect((await cloud.call('GET', '/c/o')).status).toBe(200)
    expect((await cloud.call('PUT', '/c/o', { body: 'x', headers: { 'x-delete-at': '100' } })).status).toBe(400)
    expect((await cloud.call('PUT', '/c/o', { body: 'x', headers: { 'x-delete-after': 'soon' } })).status).toBe(400)
  } finally {
    await cloud.close()
  }
})

test('a device that was empty gets everything back', async () => {
  const first = await openCloud({ keepers: false })
  const body = randomBytes(200_000)
  await first.call('PUT', '/c', { headers: { 'x-container-meta-a': '1' } })
  await first.call('PUT', '/c/large', { body, headers: { 'x-object-meta-b': '2' } })
  await first.call('PUT', '/c/small', { body: 'x' })
  await first.call('POST', '/c/small', { headers: { 'x-object-meta-c': '3' } })
  await first.call('PUT', '/c/deleted', { body: 'x' })
  await first.call('DELETE', '/c/deleted')
  await first.storage.close()
  // The same cloud, with an empty folder in place of one device.
  const devices = ['sd1', 'sd2', 'sd3'].map((id) => ({ id, path: `${first.folder}/${id === 'sd1' ? 'sd1-new' : id}` }))
  await leaveRequest(recordsOf(first.folder), 'sd1', 'accept')
  const second = await openCloud({ folder: first.folder, devices, keepers: { intervals: { replicate: 100 } } })
  try {
    await wait(1000)
    const engine = second.storage.devices.get('sd1')!
    const changes = await engine.read('listChanges', { since: '0', after: 0, limit: 10 })
    const objects = (await Promise.all(changes.map(({ hash }) => engine.read('getObject', { hash })))).map(
      (object) => object!,
    )
    expect(objects.map(({ name, deleted }) => [name.split('/').pop(), deleted]).sort()).toEqual([
      ['deleted', true],
      ['large', false],
      ['small', false],
    ])
    const large = objects.find(({ name }) => name.endsWith('large'))!
    const hash = createHash('md5')
    const range = { file: large.file!, size: large.size, sums: large.sums!, start: 0, end: large.size }
    for await (const chunk of engine.body(range)) hash.update(chunk)
    expect(hash.digest('hex')).toBe(createHash('md5').update(body).digest('hex'))
    expect(objects.find(({ name }) => name.endsWith('small'))!.metadata).toEqual({ 'x-object-meta-c': '3' })
    const [container] = await engine.read('listContainers', { after: 0, limit: 10 })
    expect(container!.value).toMatchObject({ container: 'c', objectCount: 2, bytesUsed: 200_001 })
  } finally {
    await second.close()
    await first.close()
  }
}, 20_000)

test('deletions are forgotten after the reclaim age', async () => {
  const cloud = await openCloud({ keepers: false })
  try {
    await cloud.call('PUT', '/c')
    await cloud.call('PUT', '/c/o', { body: 'x' })
    await cloud.call('DELETE', '/c/o')
    expect(await reclaimTombstones(depsOf(cloud, 1000))).toBe(0)
    expect(await reclaimTombstones(depsOf(cloud, -1))).toBe(6)
    expect((await cloud.call('GET', '/c/o')).status).toBe(404)
  } finally {
    await cloud.close()
  }
})
