import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  isDriverError,
  quietLog as log,
  openDriver,
  openRunner,
  type VolumeDriver,
  type VolumeRef,
} from '@hearth/driver'
import { openProbe } from '@hearth/driver/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type NfsServer, startNfsServer } from './nfs-server.ts'

const mib = 1024 ** 2
const options = 'vers=4.2'

let server: NfsServer
beforeAll(async () => {
  server = await startNfsServer()
})
afterAll(() => server?.close())

function newVolume(sizeGiB = 1): VolumeRef {
  const id = randomUUID()
  return { id, name: `volume-${id}`, sizeGiB }
}

function open(given: Record<string, unknown>): Promise<VolumeDriver> {
  const run = openRunner({ log, ssh: server.vm.ssh })
  const all = {
    mountBase: server.newMountBase(),
    maxOverSubscriptionRatio: 100,
    retrySeconds: 1,
    retryMaxSeconds: 1,
    ...given,
  }
  return openDriver('volume', '@hearth/driver-nfs', all, { run, remote: true, log })
}

const folderOf = (share: string) => share.slice(share.indexOf('/'))

/** Until it succeeds; a share that is back is asked again after a while. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isDriverError(error) || error.kind !== 'unavailable') throw error
      await sleep(500)
    }
  }
}

/** A volume of the driver on the share, as its row would have it. */
async function volumeOn(driver: VolumeDriver, share: string): Promise<VolumeRef> {
  for (let tries = 0; tries < 20; tries += 1) {
    const volume = newVolume()
    const providerLocation = (await driver.create(volume))?.providerLocation ?? null
    if (providerLocation === share) return { ...volume, providerLocation }
  }
  throw new Error(`no volume came to ${share}`)
}

test('a share that turned read-only takes no volumes; what is there can be read, and others go on', async () => {
  const [bad, good] = [await server.newShare('ext4'), await server.newShare('xfs')]
  const driver = await open({ shares: [bad, good].map((share) => ({ share, options })) })
  const volume = await volumeOn(driver, bad)
  await server.exportAgain(bad, 'ro')
  const created = await Promise.all([1, 2, 3, 4].map(() => driver.create(newVolume())))
  expect(created).toEqual(created.map(() => ({ providerLocation: good })))
  expect(await driver.address!(volume)).toMatchObject({ format: 'raw' })
  await expect(driver.extend(volume, 2)).rejects.toMatchObject({ kind: 'unavailable' })
  const alone = await open({ shares: [{ share: bad, options }] })
  await expect(alone.create(newVolume())).rejects.toThrow(/Read-only file system/)
  await server.exportAgain(bad, 'rw')
  await driver.extend(volume, 2)
})

test('a share that its server takes away is unavailable until it is back, the others go on', async () => {
  const [bad, good] = [await server.newShare('ext4'), await server.newShare('xfs')]
  const driver = await open({ shares: [bad, good].map((share) => ({ share, options })) })
  const [there, here] = [await volumeOn(driver, bad), await volumeOn(driver, good)]
  await server.vm.run(`exportfs -u ${bad}; exportfs -f`)
  await expect(driver.address!(there)).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(driver.delete(there)).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(driver.address!({ ...newVolume() })).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(driver.list!()).rejects.toMatchObject({ kind: 'unavailable' })
  await driver.extend(here, 2)
  expect(await driver.create(newVolume())).toEqual({ providerLocation: good })
  await server.exportAgain(bad, 'rw')
  expect((await eventually(() => driver.address!(there))).filename).toContain(there.name)
})

test('an unmounted share is mounted again by the next call', async () => {
  const share = await server.newShare('xfs')
  const driver = await open({ shares: [{ share, options }] })
  const volume = await volumeOn(driver, share)
  const { filename } = await driver.address!(volume)
  await server.vm.run(`umount ${filename.slice(0, filename.lastIndexOf('/'))}`)
  await driver.create(newVolume())
  expect(await server.vm.run(`ls ${folderOf(share)} | wc -l`)).toBe('2')
  expect(await driver.address!(volume)).toEqual({ filename, format: 'raw' })
})

test('a share that hangs, in the middle of a copy too, holds up nothing but itself', async () => {
  const host = '10.9.9.1'
  await server.vm.run(`ip addr add ${host}/32 dev lo`)
  // Version 4 finds out that both addresses are one server and uses one connection for both. Within seconds version 3 gives
  // up a connection that is silent, and makes a new one.
  const bad = { share: await server.newShare('ext4', { host }), options: 'vers=3,nolock,timeo=20,retrans=1' }
  const good = { share: await server.newShare('xfs'), options }
  const driver = await open({ shares: [bad, good], commandSeconds: 8, mountSeconds: 8, retryMaxSeconds: 8 })
  const [there, here] = [await volumeOn(driver, bad.share), await volumeOn(driver, good.share)]
  // Without server-side copies and holes of version 4.2 all of its gibibyte is read and written.
  const clone = newVolume()
  const cloning = driver.clone(clone, there).catch((error: unknown) => error)
  await server.vm.run(`until ls -A ${folderOf(bad.share)} | grep -q '^.part'; do sleep 0.1; done`)
  // What is sent to it is lost without a word.
  await server.vm.run(`set -e
    ip link add silent type bridge && ip link set silent up
    ip neigh add ${host} lladdr 02:00:00:00:00:01 dev silent
    ip addr del ${host}/32 dev lo && ip route add ${host}/32 dev silent`)
  expect(await cloning).toMatchObject({ kind: 'unavailable' })
  const calls = [driver.address!(there), driver.extend(there, 2), driver.delete(there), driver.list!()]
  const created = Promise.all([1, 2, 3].map(() => driver.create(newVolume())))
  const ends = await Promise.allSettled(calls)
  expect(ends.map((end) => end.status === 'rejected' && end.reason.kind)).toEqual(calls.map(() => 'unavailable'))
  expect(await created).toEqual([1, 2, 3].map(() => ({ providerLocation: good.share })))
  await driver.extend(here, 2)
  const { pools } = await driver.stats()
  expect(pools[0]!.capabilities).toMatchObject({ shares_up: 1, shares_down: [bad.share] })
  await server.vm.run(`ip route del ${host}/32 dev silent; ip link del silent; ip addr add ${host}/32 dev lo`)
  await eventually(() => driver.extend(there, 2))
  await eventually(() => driver.clone(clone, { ...there, sizeGiB: 2 }).catch(invalidIsDone))
}, 120_000)

/** The source has grown beyond the clone. */
function invalidIsDone(error: unknown): void {
  if (!isDriverError(error) || error.kind !== 'invalid') throw error
}

test('a qcow2 file whose header was tampered to point elsewhere is refused by every method', async () => {
  const share = await server.newShare('xfs')
  const driver = await open({ shares: [{ share, options }], format: 'qcow2' })
  const folder = folderOf(share)
  const [layered, plain] = [await volumeOn(driver, share), await volumeOn(driver, share)]
  await driver.snapshot({ id: 's', name: 'snapshot-s', volume: layered })
  await server.vm.run(`cd ${folder} && qemu-img rebase -u -f qcow2 -F raw -b /etc/passwd ${layered.name}.s
    rm ${plain.name} && qemu-img create -q -f qcow2 -o data_file=/tmp/elsewhere ${plain.name} 1G`)
  const snapshot = { id: 's', name: 'snapshot-s', volume: layered }
  const another = { ...snapshot, name: 'snapshot-t' }
  const deeds: Promise<unknown>[] = [
    ...[layered, plain].flatMap((volume) => [
      driver.connection(volume),
      driver.address!(volume),
      driver.extend(volume, 2),
      driver.clone(newVolume(2), volume),
    ]),
    driver.snapshot(another),
    driver.revert!(snapshot),
    driver.createFromSnapshot(newVolume(), snapshot),
    driver.snapshotAddress!(snapshot),
    driver.deleteSnapshot(snapshot),
  ]
  const ends = await Promise.allSettled(deeds)
  expect(ends.map((end) => end.status === 'rejected' && end.reason.kind)).toEqual(deeds.map(() => 'invalid'))
  await driver.delete(plain)
  expect(await server.vm.run(`ls ${folder}`)).toBe(`${layered.name}\n${layered.name}.info\n${layered.name}.s`)
})

test('a raw volume that begins like a qcow2 file stays raw', async () => {
  const share = await server.newShare('xfs')
  const given = { shares: [{ share, options }], mountBase: server.newMountBase() }
  const driver = await open(given)
  const [volume, copy] = [await volumeOn(driver, share), newVolume()]
  const { filename } = await driver.address!(volume)
  await server.vm.run(`qemu-img create -q -f qcow2 -u -F raw -b /etc/passwd /tmp/forged 8G
    dd if=/tmp/forged of=${filename} conv=notrunc 2>/dev/null`)
  for (const format of ['raw', 'qcow2']) {
    const reopened = await open({ ...given, format })
    expect(await reopened.address!(volume)).toEqual({ filename, format: 'raw' })
    expect(await reopened.connection(volume)).toMatchObject({ data: { name: volume.name, format: 'raw' } })
  }
  await driver.clone(copy, volume)
  const copied = (await driver.address!(copy)).filename
  expect(await server.vm.run(`cmp -n 1048576 ${filename} ${copied} && stat -c %s ${copied}`)).toBe(String(1024 ** 3))
})

test('a copy that runs out of space says so and leaves nothing', async () => {
  const share = await server.newShare('small')
  const driver = await open({ shares: [{ share, options }] })
  const volume = await volumeOn(driver, share)
  const { filename } = await driver.address!(volume)
  await server.vm.run(`dd if=/dev/urandom of=${filename} bs=1M count=36 conv=notrunc,fsync 2>/dev/null`)
  await expect(driver.clone(newVolume(), volume)).rejects.toMatchObject({ kind: 'no-space' })
  expect(await driver.list!()).toEqual({ volumes: [volume.name], snapshots: [] })
  expect(await server.vm.run(`ls -A ${folderOf(share)} | grep -c part || true`)).toBe('0')
})

test('files are as Cinder’s NFS driver leaves them, before, with and after snapshots', async () => {
  const share = await server.newShare('xfs')
  const driver = await open({ shares: [{ share, options }] })
  const volume = await volumeOn(driver, share)
  const [a, b] = ['a', 'b'].map((id) => ({ id, name: `snapshot-${id}`, volume })) as [never, never]
  await driver.snapshot(a)
  await driver.snapshot(b)
  const probe = openProbe(openRunner({ log, ssh: server.vm.ssh }))
  await probe.write(await driver.address!(volume), 0, mib, 0x33)
  const look = `cd ${folderOf(share)} && cat ${volume.name}.info && stat -c ' %a %n' ${volume.name}*`
  const overlays = `"a": "${volume.name}.a",\n "active": "${volume.name}.b",\n "b": "${volume.name}.b"`
  const files = ['', '.a', '.b', '.info'].map((end) => ` 660 ${volume.name}${end}`)
  expect(await server.vm.run(look)).toBe(`{\n ${overlays}\n}${files.join('\n')}`)
  await driver.deleteSnapshot(a)
  const less = `"active": "${volume.name}.b",\n "b": "${volume.name}.b"`
  const left = files.filter((line) => !line.endsWith('.a'))
  expect(await server.vm.run(look)).toBe(`{\n ${less}\n}${left.join('\n')}`)
  await driver.deleteSnapshot(b)
  expect(await server.vm.run(look)).toBe(`{\n "active": "${volume.name}"\n}${files[0]}\n${files[3]}`)
  expect(await probe.has({ filename: `${folderOf(share)}/${volume.name}`, format: 'raw' }, 0, mib, 0x33)).toBe(true)
})
