import { randomUUID } from 'node:crypto'
import { quietLog as log, openDriver, openRunner, type VolumeDriver, type VolumeRef } from '@hearth/driver'
import { openProbe } from '@hearth/driver/contract'
import { afterAll, expect, test } from 'vitest'
import { startCeph } from '../lab/ceph.ts'

const mib = 1024 ** 2
const run = openRunner({ log })
const longAgo = Date.now() - 24 * 3600_000
const ceph = await startCeph({ pools: ['volumes'] })
const driver: VolumeDriver = await openDriver(
  'volume',
  '@hearth/driver-rbd',
  { conf: ceph.conf, purgeIntervalSeconds: 1 },
  { run, log },
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
  const rename = ['rados', '--pool', 'volumes', 'cp', `rbd_id.${part}`, `rbd_id.${volume.name}`]
  for (let attempt = 1; ; attempt++) {
    await ceph.command(['rbd', 'create', '--size', '1G', `volumes/${part}`])
    try {
      await ceph.command(rename)
      return
    } catch (error) {
      // The driver's sweep can remove a part that is as old as this one before it has its second name.
      if (attempt === 5) throw error
    }
  }
}

test('a volume whose maker died as it was given its name keeps its bytes, and its name is mended', async () => {
  const volume = newVolume()
  await halfRenamed(volume)
  await driver.create(volume)
  const bytes = openProbe(run)
  await bytes.write(await driver.address!(volume), 0, mib, 0x61)
  await expect.poll(everything, { timeout: 30_000 }).toEqual([`rbd_id.${volume.name}`, volume.name])
  expect(await bytes.has(await driver.address!(volume), 0, mib, 0x61)).toBe(true)
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
