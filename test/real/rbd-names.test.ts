import { randomUUID } from 'node:crypto'
import { quietLog as log, openDriver, openRunner, type VolumeDriver, type VolumeRef } from '@hearth/driver'
import { afterAll, expect, test } from 'vitest'
import { startCeph } from '../lab/ceph.ts'

const mib = 1024 ** 2
const longAgo = Date.now() - 24 * 3600_000
const ceph = await startCeph({ pools: ['volumes'] })
const driver: VolumeDriver = await openDriver(
  'volume',
  '@hearth/driver-rbd',
  { conf: ceph.conf, purgeIntervalSeconds: 1 },
  { run: openRunner({ log }), log },
)
afterAll(async () => {
  await driver.close?.()
  await ceph.close()
})

const newVolume = (): VolumeRef => {
  const id = randomUUID()
  return { id, name: `volume-${id}`, sizeGiB: 1 }
}

async function everything(): Promise<string[]> {
  const images = JSON.parse(await ceph.command(['rbd', 'ls', '--format', 'json', 'volumes'])) as string[]
  const objects = (await ceph.command(['rados', '--pool', 'volumes', 'ls'])).split('\n')
  return [...images, ...objects.filter((name) => name.startsWith('rbd_id.'))].sort()
}

/** As a client leaves it that dies between the first and the second step of giving the part the volume's name. */
async function halfRenamed(volume: VolumeRef): Promise<void> {
  const part = `${volume.name}.part.${longAgo.toString(36)}.0123456789ab`
  await ceph.command(['rbd', 'create', '--size', '1G', `volumes/${part}`])
  const id = Buffer.from(
    JSON.parse(await ceph.command(['rbd', 'info', '--format', 'json', `volumes/${part}`])).id,
    'latin1',
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(id.length)
  const input = Buffer.concat([length, id]).toString('latin1')
  await ceph.command(['rados', '--pool', 'volumes', 'put', `rbd_id.${volume.name}`, '-'], { input })
}

test('a volume whose maker died as it was given its name keeps its bytes, and its name is mended', async () => {
  const volume = newVolume()
  await halfRenamed(volume)
  await driver.create(volume)
  const blocks = await driver.openVolume!(volume, 'rw')
  await blocks.write(0, Buffer.alloc(mib, 0x61))
  await blocks.close()
  await expect.poll(everything, { timeout: 30_000 }).toEqual([`rbd_id.${volume.name}`, volume.name])
  const again = await driver.openVolume!(volume, 'r')
  const into = Buffer.alloc(mib)
  await again.read(0, into)
  await again.close()
  expect(into.equals(Buffer.alloc(mib, 0x61))).toBe(true)
  await driver.delete(volume)
  expect(await everything()).toEqual([])
})

test('a volume that is deleted in that state is gone with all its names', async () => {
  const volume = newVolume()
  await halfRenamed(volume)
  await driver.delete(volume)
  await expect.poll(everything, { timeout: 30_000 }).toEqual([])
})

test('a name that leads nowhere is taken by the next volume of it', async () => {
  const volume = newVolume()
  await ceph.command(['rados', '--pool', 'volumes', 'put', `rbd_id.${volume.name}`, '-'], { input: '\x04\0\0\0dead' })
  await driver.create(volume)
  expect(await everything()).toEqual([`rbd_id.${volume.name}`, volume.name])
  await driver.delete(volume)
  expect(await everything()).toEqual([])
})
