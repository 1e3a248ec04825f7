import { randomUUID } from 'node:crypto'
import { quietLog as log, openDriver, openRunner, type VolumeDriver } from '@hearth/driver'
import { afterAll, expect, test } from 'vitest'
import { startCeph } from '../lab/ceph.ts'

const quiet = () => undefined
const deps = { run: openRunner({ log }), log }
// Its data outlives the stops in here.
const ceph = await startCeph({ store: 'bluestore', sizeGiB: 4, pools: ['volumes'] })
const opened: VolumeDriver[] = []
afterAll(async () => {
  await ceph.start()
  for (const driver of opened) await driver.close?.()
  await ceph.close()
})

const mib = 1024 ** 2
async function open(): Promise<VolumeDriver> {
  const options = { conf: ceph.conf, connectTimeoutSeconds: 2, operationTimeoutSeconds: 3 }
  const driver = await openDriver('volume', '@hearth/driver-rbd', options, deps)
  opened.push(driver)
  return driver
}

const newVolume = () => {
  const id = randomUUID()
  return { id, name: `volume-${id}`, sizeGiB: 1 }
}

/** How often a timer of 20 ms came while `work` ran. */
async function ticksDuring(work: () => Promise<void>): Promise<number> {
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 20)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return ticks
}

test('a service starts without Ceph, says unavailable, lives on, and works when Ceph is there', async () => {
  await ceph.stop()
  const volume = newVolume()
  let driver: VolumeDriver | undefined
  const ticks = await ticksDuring(async () => {
    driver = await open()
    await expect(driver.create(volume)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(driver.stats()).rejects.toMatchObject({ kind: 'unavailable' })
  })
  expect(ticks).toBeGreaterThan(50)
  await ceph.start()
  await driver!.create(volume)
  expect((await driver!.list!()).volumes).toEqual([volume.name])
  await driver!.delete(volume)
})

test('when the storage is lost in the middle, what is in flight ends as unavailable, and later deeds work', async () => {
  const driver = await open()
  const [volume, clone] = [newVolume(), newVolume()]
  await driver.create(volume)
  const blocks = await driver.openVolume!(volume, 'rw')
  await blocks.write(0, Buffer.alloc(mib, 0x71))
  await blocks.flush()
  await ceph.kill('osd.0')
  const ticks = await ticksDuring(async () => {
    const deeds = [
      blocks.write(mib, Buffer.alloc(mib, 0x72)).then(() => blocks.flush()),
      blocks.read(0, Buffer.alloc(mib)),
      driver.create(newVolume()),
      driver.clone(clone, volume),
      driver.delete(newVolume()),
      driver.list!(),
    ]
    const kinds = await Promise.all(
      deeds.map((deed) =>
        deed.then(
          () => 'done',
          (error: { kind?: string }) => error.kind,
        ),
      ),
    )
    expect(kinds).toEqual(deeds.map(() => 'unavailable'))
  })
  expect(ticks).toBeGreaterThan(50)
  await ceph.start()
  await blocks.close()
  await expect
    .poll(
      () =>
        driver.clone(clone, volume).then(
          () => 'done',
          () => 'not yet',
        ),
      { timeout: 120_000 },
    )
    .toBe('done')
  const copy = await driver.openVolume!(clone, 'r')
  const into = Buffer.alloc(mib)
  await copy.read(0, into)
  await copy.close()
  expect(into.equals(Buffer.alloc(mib, 0x71))).toBe(true)
  await driver.delete(clone)
  await driver.delete(volume)
})

test('a client that the cluster has cut off connects anew by itself', async () => {
  const driver = await open()
  const volume = newVolume()
  await driver.create(volume)
  const blocks = await driver.openVolume!(volume, 'rw')
  const status = JSON.parse(await ceph.command(['rbd', 'status', '--format', 'json', `volumes/${volume.name}`]))
  await ceph.command(['ceph', 'osd', 'blocklist', 'add', status.watchers[0].address])
  await expect(blocks.read(0, Buffer.alloc(4096))).rejects.toMatchObject({ kind: 'unavailable' })
  await blocks.close().catch(quiet)
  await driver.extend(volume, 2)
  await driver.delete(volume)
  expect((await driver.list!()).volumes).not.toContain(volume.name)
})
