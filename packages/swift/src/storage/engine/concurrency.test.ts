import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../../for-tests/cloud.ts'
import type { Device } from '../device/device.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await openCloud({ keepers: false })
})
afterAll(() => cloud.close())

/** Everything a device says of objects, listings and counts. */
async function stateOf(device: Device) {
  const changes = await device.read('listChanges', { since: '', after: 0, limit: 1000 })
  const objects = await Promise.all(
    changes.map(async ({ hash }) => {
      const { name, timestamp, metaTimestamp, deleted, etag, metadata } = (await device.read('getObject', { hash }))!
      return { name, timestamp, metaTimestamp, deleted, etag, metadata }
    }),
  )
  const query = { limit: 1000, marker: '', endMarker: '', prefix: '', delimiter: '', path: null, reverse: false }
  const containers = await Promise.all(
    (await device.read('listContainers', { after: 0, limit: 100 })).map(async ({ hash, value }) => ({
      ...value,
      entries: await device.read('listContainer', { hash, query }),
    })),
  )
  const accounts = (await device.read('listAccounts', { after: 0, limit: 100 })).map(({ value }) => value)
  return { objects: objects.sort((a, b) => (a.name < b.name ? -1 : 1)), containers, accounts }
}

test('writers of the same few objects leave every device in the same state, with counts that add up', async () => {
  await cloud.call('PUT', '/c')
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % below
  }
  const statuses = new Set<number>()
  const client = async () => {
    for (let round = 0; round < 40; round++) {
      const path = `/c/${random(5)}`
      const kind = random(4)
      const body = 'x'.repeat(random(2) ? 30_000 : 1 + random(50))
      const headers = { 'x-object-meta-round': String(round) }
      if (kind < 2) statuses.add((await cloud.call('PUT', path, { body, headers })).status)
      else statuses.add((await cloud.call(kind === 2 ? 'DELETE' : 'POST', path, { headers })).status)
    }
  }
  await Promise.all(Array.from({ length: 12 }, client))
  expect([...statuses].filter((status) => ![201, 202, 204, 404, 409].includes(status))).toEqual([])
  const [first, ...others] = await Promise.all([...cloud.storage.devices.values()].map(stateOf))
  for (const other of others) expect(other).toEqual(first)
  const live = first!.objects.filter((object) => !object.deleted)
  const [container] = first!.containers
  expect(container!.entries.map((entry) => 'name' in entry && entry.name)).toEqual(
    live.map(({ name }) => name.slice(-1)),
  )
  expect(container!.objectCount).toBe(live.length)
  expect(container!.bytesUsed).toBe(
    container!.entries.reduce((sum, entry) => sum + ('size' in entry ? entry.size : 0), 0),
  )
  expect(first!.accounts[0]).toMatchObject({ objectCount: live.length, bytesUsed: container!.bytesUsed })
}, 30_000)

test('a container that is deleted while objects come in ends empty or keeps them, on every device', async () => {
  for (let round = 0; round < 15; round++) {
    const path = `/race${round}`
    await cloud.call('PUT', path)
    const [put, removed] = await Promise.all([
      cloud.call('PUT', `${path}/o`, { body: 'x' }),
      cloud.call('DELETE', path),
    ])
    const listed = await cloud.call('GET', `${path}/o`)
    if (put.status === 201) expect([removed.status, listed.status]).toEqual([409, 200])
    else expect([put.status, removed.status, listed.status]).toEqual([404, 204, 404])
  }
  const [first, ...others] = await Promise.all([...cloud.storage.devices.values()].map(stateOf))
  for (const other of others) expect(other.containers).toEqual(first!.containers)
}, 30_000)
