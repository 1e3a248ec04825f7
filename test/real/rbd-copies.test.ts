import { randomUUID } from 'node:crypto'
import { copyFile, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { quietLog as log, openDriver, openRunner, type VolumeDriver, type VolumeRef } from '@hearth/driver'
import { afterAll, expect, test } from 'vitest'
import { startCeph } from '../lab/ceph.ts'

const deps = { run: openRunner({ log }), log }
const ceph = await startCeph()
const opened: VolumeDriver[] = []
afterAll(async () => {
  for (const driver of opened) await driver.close?.()
  await ceph.close()
})

const mib = 1024 ** 2
async function open(options: Record<string, unknown> = {}): Promise<VolumeDriver> {
  const driver = await openDriver('volume', '@hearth/driver-rbd', { conf: ceph.conf, ...options }, deps)
  opened.push(driver)
  return driver
}
const first = await open({ maxCloneDepth: 2 })
const second = await open()

const volumeNamed = (name: string, sizeGiB = 1): VolumeRef => ({ id: name, name: `volume-${name}`, sizeGiB })
const newVolume = (): VolumeRef => volumeNamed(randomUUID())
const snapshotOf = (volume: VolumeRef) => ({ id: 's', name: `snapshot-${randomUUID()}`, volume })

async function write(driver: VolumeDriver, volume: VolumeRef, byte: number): Promise<void> {
  const blocks = await driver.openVolume!(volume, 'rw')
  await blocks.write(0, Buffer.alloc(mib, byte))
  await blocks.flush()
  await blocks.close()
}

async function firstByte(volume: VolumeRef): Promise<number> {
  const blocks = await first.openVolume!(volume, 'r')
  const into = Buffer.alloc(mib)
  await blocks.read(0, into)
  await blocks.close()
  expect(into.equals(Buffer.alloc(mib, into[0]))).toBe(true)
  return into[0]!
}

async function infoOf(volume: VolumeRef): Promise<{ parent?: object; features: string[] }> {
  return JSON.parse(await ceph.command(['rbd', 'info', '--format', 'json', `volumes/${volume.name}`]))
}

async function leftOver(): Promise<unknown[]> {
  const images = JSON.parse(await ceph.command(['rbd', 'ls', '--format', 'json', 'volumes'])) as unknown[]
  const trash = JSON.parse(await ceph.command(['rbd', 'trash', 'ls', '--format', 'json', 'volumes'])) as unknown[]
  return [...images, ...trash]
}

test('a chain of clones is copied when it would grow deeper than the limit', async () => {
  const chain = [newVolume(), newVolume(), newVolume(), newVolume()]
  await first.create(chain[0]!)
  await write(first, chain[0]!, 0x11)
  for (const [i, volume] of chain.slice(1).entries()) await first.clone(volume, chain[i]!)
  const parents = []
  for (const volume of chain) parents.push((await infoOf(volume)).parent !== undefined)
  expect(parents).toEqual([false, true, true, false])
  expect(await firstByte(chain[3]!)).toBe(0x11)
  for (const volume of chain) await first.delete(volume)
  expect(await leftOver()).toEqual([])
})

test('whatever was cloned from it a volume can be deleted, parents first, and in the end nothing is left', async () => {
  const [base, clone, grandchild, copy] = [newVolume(), newVolume(), newVolume(), newVolume()]
  await second.create(base)
  await write(second, base, 0x21)
  const snapshot = snapshotOf(base)
  await second.snapshot(snapshot)
  await second.clone(clone, base)
  await second.clone(grandchild, clone)
  await second.createFromSnapshot(copy, snapshot)
  await second.deleteSnapshot(snapshot)
  await second.delete(base)
  await second.delete(clone)
  expect((await second.list!()).volumes.sort()).toEqual([grandchild.name, copy.name].sort())
  expect([await firstByte(grandchild), await firstByte(copy)]).toEqual([0x21, 0x21])
  await second.delete(copy)
  await second.delete(grandchild)
  expect(await leftOver()).toEqual([])
})

test('snapshots and volumes with clones of the first format, as upstream makes them, are deleted too', async () => {
  const [base, other] = [newVolume(), newVolume()]
  const [child, grandchild] = [newVolume(), newVolume()]
  for (const [volume, byte] of [
    [base, 0x31],
    [other, 0x32],
  ] as const) {
    await second.create(volume)
    await write(second, volume, byte)
  }
  const snapshot = snapshotOf(base)
  const cloned = `volumes/${other.name}@${grandchild.name}.clone_snap`
  for (const [at, to] of [
    [`volumes/${base.name}@${snapshot.name}`, child],
    [cloned, grandchild],
  ] as const) {
    await ceph.command(['rbd', 'snap', 'create', at])
    await ceph.command(['rbd', 'snap', 'protect', at])
    await ceph.command(['rbd', 'clone', '--rbd-default-clone-format', '1', at, `volumes/${to.name}`])
  }
  await second.deleteSnapshot(snapshot)
  await second.delete(base)
  await second.delete(other)
  expect((await second.list!()).volumes.sort()).toEqual([child.name, grandchild.name].sort())
  expect([await firstByte(child), await firstByte(grandchild)]).toEqual([0x31, 0x32])
  await second.delete(child)
  await second.delete(grandchild)
  expect(await leftOver()).toEqual([])
})

test('with deferred deletion a volume lies in the trash until its time has come', async () => {
  const deferred = await open({ deferredDeletion: true, deletionDelaySeconds: 4, purgeIntervalSeconds: 1 })
  const volume = newVolume()
  await deferred.create(volume)
  await deferred.delete(volume)
  expect((await deferred.list!()).volumes).toEqual([])
  expect(await leftOver()).toHaveLength(1)
  await expect.poll(leftOver, { timeout: 60_000, interval: 500 }).toEqual([])
})

test('a volume that another client has open is not deleted or reverted, but snapshotted and extended', async () => {
  const volume = newVolume()
  await first.create(volume)
  const snapshot = snapshotOf(volume)
  await first.snapshot(snapshot)
  const blocks = await second.openVolume!(volume, 'rw')
  await blocks.write(0, Buffer.alloc(mib, 0x41))
  await expect(first.revert!(snapshot)).rejects.toMatchObject({ kind: 'busy' })
  const later = snapshotOf(volume)
  await first.snapshot(later)
  await first.extend(volume, 2)
  await first.deleteSnapshot(snapshot)
  await first.deleteSnapshot(later)
  await expect(first.delete(volume)).rejects.toMatchObject({ kind: 'busy' })
  await blocks.write(mib, Buffer.alloc(mib, 0x42))
  await blocks.close()
  expect(await firstByte(volume)).toBe(0x41)
  await first.delete(volume)
  expect(await leftOver()).toEqual([])
})

test('two services do the same deeds on the same names at once', async () => {
  const base = newVolume()
  await Promise.all([first.create(base), second.create(base)])
  await write(first, base, 0x51)
  const volumes = Array.from({ length: 10 }, () => [newVolume(), newVolume()] as const)
  const both = (work: (driver: VolumeDriver) => Promise<unknown>) => Promise.all([work(first), work(second)])
  await both((driver) =>
    Promise.all(volumes.flatMap(([blank, clone]) => [driver.create(blank), driver.clone(clone, base)])),
  )
  for (const [blank, clone] of volumes) expect([await firstByte(blank), await firstByte(clone)]).toEqual([0, 0x51])
  const snapshot = snapshotOf(base)
  await both((driver) => driver.snapshot(snapshot))
  await both((driver) => driver.extend(base, 2))
  await both((driver) => driver.deleteSnapshot(snapshot))
  await both((driver) => Promise.all([base, ...volumes.flat()].map((volume) => driver.delete(volume))))
  expect((await first.list!()).volumes).toEqual([])
  const sweeper = await open({ purgeIntervalSeconds: 1 })
  await expect.poll(leftOver, { timeout: 60_000, interval: 500 }).toEqual([])
  await sweeper.stats()
})

test('an image of the same cluster is cloned where it lies; others are left to be copied', async () => {
  const fsid = (await ceph.command(['ceph', 'fsid'])).trim()
  await ceph.command(['rbd', 'import', '--dest-pool', 'images', '-', 'disk'], { input: 'x'.repeat(mib) })
  await ceph.command(['rbd', 'snap', 'create', 'images/disk@snap'])
  const location = `rbd://${fsid}/images/disk/snap`
  const volume = newVolume()
  const image = { id: 'i', diskFormat: 'raw', locations: ['http://elsewhere/x', location] }
  expect(await first.cloneImage!(volume, { ...image, diskFormat: 'qcow2' })).toBe(null)
  expect(await first.cloneImage!(volume, { ...image, locations: [location.replace(fsid, randomUUID())] })).toBe(null)
  expect(await first.cloneImage!(volume, { ...image, locations: [`rbd://${fsid}/hidden/disk/snap`] })).toBe(null)
  expect(await first.cloneImage!(volume, image)).toEqual({})
  expect((await infoOf(volume)).parent).toMatchObject({ pool: 'images', image: 'disk', snapshot: 'snap' })
  expect(await firstByte(volume)).toBe('x'.charCodeAt(0))
  await first.delete(volume)
})

test('volumes for several hosts have no lock that only one of them could hold', async () => {
  const [made, changed] = [newVolume(), newVolume()]
  await first.create({ ...made, multiattach: true })
  expect((await infoOf(made)).features).toEqual(['layering', 'deep-flatten'])
  await first.create(changed)
  expect((await infoOf(changed)).features).toContain('exclusive-lock')
  await first.connection({ ...changed, multiattach: true })
  expect((await infoOf(changed)).features).toEqual(['layering', 'deep-flatten'])
  await first.delete(made)
  await first.delete(changed)
})

test('a connection has the keys and values of upstream', async () => {
  const volume = newVolume()
  await first.create(volume)
  const connection = await first.connection(volume)
  const dump = JSON.parse(await ceph.command(['ceph', 'mon', 'dump', '--format', 'json']))
  expect(connection).toEqual({
    kind: 'network',
    driver_volume_type: 'rbd',
    data: {
      name: `volumes/${volume.name}`,
      hosts: ['127.0.0.1'],
      ports: [dump.mons[0].addr.split(/[:/]/)[1]],
      cluster_name: 'ceph',
      auth_enabled: true,
      auth_username: 'cinder',
      secret_type: 'ceph',
      secret_uuid: dump.fsid,
      volume_id: volume.id,
      discard: true,
    },
  })
  await first.delete(volume)
})

test('an address leads through a path with all of qemu’s special characters', async () => {
  const folder = join(dirname(ceph.conf), 'a:b@c=d e')
  await mkdir(folder)
  await copyFile(ceph.conf, join(folder, 'ceph.conf'))
  const driver = await open({ conf: join(folder, 'ceph.conf') })
  const volume = newVolume()
  await driver.create(volume)
  const { filename } = await driver.address!(volume)
  const { stdout } = await deps.run(['qemu-img', 'info', '--output=json', '-f', 'raw', filename])
  expect(JSON.parse(stdout)).toMatchObject({ 'virtual-size': 1024 ** 3 })
  await driver.delete(volume)
})

test('thousands of requests leave no memory behind', async () => {
  const volume = newVolume()
  await first.create(volume)
  await write(first, volume, 0x61)
  const blocks = await first.openVolume!(volume, 'r')
  const buffers = Array.from({ length: 16 }, () => Buffer.alloc(65_536))
  const reads = async (count: number) => {
    for (let done = 0; done < count; done += buffers.length) {
      await Promise.all(buffers.map((buffer, i) => blocks.read(((done + i) % 16) * 65_536, buffer)))
    }
  }
  await reads(2000)
  const before = process.memoryUsage().rss
  await reads(8000)
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * mib)
  expect(buffers.every((buffer) => buffer.equals(Buffer.alloc(65_536, 0x61)))).toBe(true)
  await blocks.close()
  await first.delete(volume)
})
