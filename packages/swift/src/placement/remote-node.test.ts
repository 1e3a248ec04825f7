import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Running, silentLog } from '@hearth/core'
import { addDevice, createBuilder, rebalance, ringOf, writeRing } from '@hearth/ring'
import getPort from 'get-port'
import { afterEach, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../for-tests/cloud.ts'
import { openStorage, type Storage, storage as storageRole } from '../index.ts'
import { replicateDevices } from '../keepers/replicate.ts'
import { updateListings } from '../keepers/update-listings.ts'
import { openTimestamps } from '../model/timestamps.ts'
import { placeObject } from './cluster.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

interface Host {
  storage: Storage
  role: Running
  stop(): Promise<void>
}

const salt = { prefix: 'a', suffix: 'b' }

/** Four hosts with one device each, three replicas, and a proxy that has no device. */
async function openHosts(): Promise<{ hosts: Host[]; cloud: Cloud; start(index: number): Promise<Host> }> {
  const folder = await mkdtemp(join(tmpdir(), 'swift-hosts-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const ports = await Promise.all([0, 1, 2, 3].map(() => getPort({ host: '127.0.0.1' })))
  const builder = createBuilder({ partPower: 6, replicas: 3, minPartHours: 0 })
  for (const [index, port] of ports.entries())
    addDevice(builder, { zone: index + 1, ip: '127.0.0.1', port, device: `d${index}`, weight: 1 })
  rebalance(builder, { seed: '1' })
  const file = join(folder, 'object.ring.gz')
  await writeRing(file, ringOf(builder))
  const rings = { account: file, container: file, object: file }
  const common = { rings, salt, secret: 'shared', log: silentLog, reserve: 0 }
  const start = async (index: number): Promise<Host> => {
    const dataFolder = join(folder, `host${index}`)
    await mkdir(dataFolder, { recursive: true })
    const devices = [{ id: `d${index}`, path: join(dataFolder, 'device') }]
    const port = ports[index]!
    const storage = await openStorage({ ...common, devices, dataFolder, address: { ip: '127.0.0.1', port } })
    const role = await storageRole({ host: '127.0.0.1', port, log: silentLog, storage })
    const stop = async () => {
      await role.close()
      await storage.close()
    }
    undo.push(stop)
    return { storage, role, stop }
  }
  const hosts = await Promise.all([0, 1, 2, 3].map(start))
  const cloud = await openCloud({ folder: join(folder, 'proxy'), devices: [], storage: common, keepers: false })
  undo.push(() => cloud.close())
  return { hosts, cloud, start }
}

const md5 = (data: Uint8Array) => createHash('md5').update(data).digest('hex')
const bodyOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

test('objects, listings and counts work over hosts', async () => {
  const { cloud } = await openHosts()
  expect((await cloud.call('PUT', '/c', { headers: { 'x-container-meta-a': '1' } })).status).toBe(201)
  const bodies = new Map<string, Buffer>()
  for (let index = 0; index < 12; index++) bodies.set(`o${index}`, randomBytes(index % 2 ? 100 : 2_300_000))
  for (const [name, body] of bodies) expect((await cloud.call('PUT', `/c/${name}`, { body })).status).toBe(201)
  for (const [name, body] of bodies) expect(md5(await bodyOf(await cloud.call('GET', `/c/${name}`)))).toBe(md5(body))
  const range = await cloud.call('GET', '/c/o0', { headers: { range: 'bytes=1048575-1048577' } })
  expect((await bodyOf(range)).equals(bodies.get('o0')!.subarray(1048575, 1048578))).toBe(true)
  expect((await (await cloud.call('GET', '/c')).text()).split('\n').slice(0, -1).sort()).toEqual(
    [...bodies.keys()].sort(),
  )
  expect((await cloud.call('DELETE', '/c/o0')).status).toBe(204)
  expect((await cloud.call('HEAD', '/c')).headers.get('x-container-object-count')).toBe('11')
  expect((await cloud.call('DELETE', '/c')).status).toBe(409)
}, 30_000)

test('with one host gone writes use handoffs, and what it missed reaches it later', async () => {
  const { hosts, cloud, start } = await openHosts()
  await cloud.call('PUT', '/c')
  await hosts[1]!.stop()
  for (let index = 0; index < 10; index++)
    expect((await cloud.call('PUT', `/c/o${index}`, { body: randomBytes(50_000) })).status).toBe(201)
  for (let index = 0; index < 10; index++) expect((await cloud.call('GET', `/c/o${index}`)).status).toBe(200)
  const back = await start(1)
  for (const { storage } of [hosts[0]!, hosts[2]!, hosts[3]!]) {
    const deps = {
      storage,
      timestamps: openTimestamps(),
      log: silentLog,
      reclaimAge: 0,
      auditRate: 1e9,
      goOn: () => true,
    }
    await updateListings(deps)
    await replicateDevices(deps)
  }
  const names = Array.from({ length: 10 }, (_, index) => `o${index}`)
  for (const [index, { storage }] of [hosts[0]!, back, hosts[2]!, hosts[3]!].entries()) {
    const held = await storage.devices.get(`d${index}`)!.read('listChanges', { since: '0', after: 0, limit: 100 })
    const wanted = names.filter((name) =>
      placeObject(storage.cluster, 'AUTH_ann-project', 'c', name).primaries.some(({ key }) =>
        key.endsWith(`/d${index}`),
      ),
    )
    expect([index, held.length]).toEqual([index, wanted.length])
  }
  expect((await cloud.call('HEAD', '/c')).headers.get('x-container-object-count')).toBe('10')
}, 30_000)

test('with half of the hosts gone small objects still find three devices or answer 503', async () => {
  const { hosts, cloud } = await openHosts()
  await cloud.call('PUT', '/c')
  await hosts[2]!.stop()
  const statuses = new Set<number>()
  for (let index = 0; index < 8; index++) {
    const { status } = await cloud.call('PUT', `/c/o${index}`, { body: 'small' })
    statuses.add(status)
    if (status === 201) expect(await (await cloud.call('GET', `/c/o${index}`)).text()).toBe('small')
  }
  expect([...statuses]).toEqual([201])
  await hosts[0]!.stop()
  await hosts[1]!.stop()
  expect((await cloud.call('PUT', '/c/late', { body: 'small' })).status).toBe(503)
}, 30_000)

test('who does not know the secret is refused', async () => {
  const { hosts } = await openHosts()
  const response = await fetch(`${hosts[0]!.role.url}/d0/call/listAccounts`, { method: 'POST', body: 'x' })
  expect(response.status).toBe(401)
})
