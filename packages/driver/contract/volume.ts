import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Runner, SnapshotRef, VolumeDriver, VolumeRef } from '../src/index.ts'
import { type ByteProbe, openProbe } from './bytes.ts'

/** Which of a volume driver's optional methods are there; the suite fails when they are not as declared. */
export interface VolumeAbilities {
  revert?: boolean
  list?: boolean
  snapshotAddress?: boolean
}

export interface VolumeContract {
  name: string
  /** Opens a driver on an empty backend with room for some hundred GiB, sparse or not. */
  open(): Promise<VolumeDriver>
  /** Opens a driver on a backend that is full already, for the behaviour at the end of space. */
  openFull?(): Promise<VolumeDriver>
  abilities: VolumeAbilities
  /** Runs commands on the host where the driver's addresses mean something; this one when absent. */
  run?: Runner
  /** How many operations at once; 50 when absent. */
  concurrency?: number
}

const gib = 1024 ** 3
const mib = 1024 ** 2

function newVolume(sizeGiB = 1): VolumeRef {
  const id = randomUUID()
  return { id, name: `volume-${id}`, sizeGiB }
}

function newSnapshot(volume: VolumeRef): SnapshotRef {
  const id = randomUUID()
  return { id, name: `snapshot-${id}`, volume }
}

/** Registers the behaviour every volume driver must show; needs `address` to compare bytes. */
export function volumeContract(contract: VolumeContract): void {
  describe(`volume contract: ${contract.name}`, () => {
    let driver: VolumeDriver
    beforeAll(async () => {
      driver = await contract.open()
    })
    afterAll(async () => driver.close?.())
    const bytes = openProbe(contract.run)
    const kit: Kit = { contract, bytes, driver: () => driver, address: (volume) => driver.address!(volume) }
    describeBasics(kit)
    describeCopies(kit)
    describeAbilities(kit)
    describeTrouble(kit)
  })
}

interface Kit {
  contract: VolumeContract
  bytes: ByteProbe
  driver(): VolumeDriver
  address(volume: VolumeRef): ReturnType<NonNullable<VolumeDriver['address']>>
}

function describeBasics({ bytes, driver, address }: Kit): void {
  test('a new volume has its size and reads as zeros', async () => {
    const volume = newVolume(2)
    await driver().create(volume)
    expect(await bytes.size(await address(volume))).toBe(2 * gib)
    expect(await bytes.has(await address(volume), 0, mib, 0)).toBe(true)
    expect(await bytes.has(await address(volume), 2 * gib - mib, mib, 0)).toBe(true)
    await driver().delete(volume)
  })

  test('creating twice is creating once: bytes written between stay', async () => {
    const volume = newVolume()
    await driver().create(volume)
    await bytes.write(await address(volume), 4096, 4096, 0x5a)
    await driver().create(volume)
    expect(await bytes.has(await address(volume), 4096, 4096, 0x5a)).toBe(true)
    await driver().delete(volume)
  })

  test('deleting twice succeeds, and what never was as well', async () => {
    const volume = newVolume()
    await driver().create(volume)
    await driver().delete(volume)
    await driver().delete(volume)
    await driver().delete(newVolume())
    await expect(driver().connection(volume)).rejects.toMatchObject({ kind: 'not-found' })
  })

  test('extending keeps the bytes, adds zeros, never shrinks and may be repeated', async () => {
    const volume = newVolume()
    await driver().create(volume)
    await bytes.write(await address(volume), gib - 4096, 4096, 0x11)
    await driver().extend(volume, 3)
    await driver().extend(volume, 3)
    await driver().extend(volume, 2)
    expect(await bytes.size(await address(volume))).toBe(3 * gib)
    expect(await bytes.has(await address(volume), gib - 4096, 4096, 0x11)).toBe(true)
    expect(await bytes.has(await address(volume), gib, mib, 0)).toBe(true)
    await driver().delete(volume)
  })

  test('extending what is not there is not-found', async () => {
    await expect(driver().extend(newVolume(), 2)).rejects.toMatchObject({ kind: 'not-found' })
  })

  test('a connection is a device of the volume’s size or leads over the network', async () => {
    const volume = newVolume()
    await driver().create(volume)
    const connection = await driver().connection(volume)
    if (connection.kind === 'device') expect(connection).toMatchObject({ sizeBytes: gib, path: expect.any(String) })
    else expect(connection).toMatchObject({ driver_volume_type: expect.any(String), data: expect.any(Object) })
    await driver().delete(volume)
  })

  test('stats name every pool with capacities that make sense', async () => {
    const { vendorName, storageProtocol, pools } = await driver().stats()
    expect(vendorName).not.toBe('')
    expect(storageProtocol).not.toBe('')
    expect(pools.length).toBeGreaterThan(0)
    for (const { totalCapacityGb: total, freeCapacityGb: free } of pools) {
      if (typeof total === 'number' && typeof free === 'number') expect(free).toBeLessThanOrEqual(total)
    }
  })
}

function describeCopies({ bytes, driver, address }: Kit): void {
  test('a snapshot keeps the bytes of its moment, for a new volume at least as large', async () => {
    const [volume, copy] = [newVolume(), newVolume(2)]
    const snapshot = newSnapshot(volume)
    await driver().create(volume)
    await bytes.write(await address(volume), 0, mib, 0x21)
    await driver().snapshot(snapshot)
    await bytes.write(await address(volume), 0, mib, 0x22)
    await driver().snapshot(snapshot)
    await driver().createFromSnapshot(copy, snapshot)
    await driver().createFromSnapshot(copy, snapshot)
    expect(await bytes.has(await address(copy), 0, mib, 0x21)).toBe(true)
    expect(await bytes.has(await address(copy), gib, mib, 0)).toBe(true)
    expect(await bytes.has(await address(volume), 0, mib, 0x22)).toBe(true)
    await driver().delete(copy)
    await driver().deleteSnapshot(snapshot)
    await driver().deleteSnapshot(snapshot)
    await driver().delete(volume)
  })

  test('a clone has its source’s bytes and a life of its own', async () => {
    const [source, clone] = [newVolume(), newVolume(2)]
    await driver().create(source)
    await bytes.write(await address(source), mib, mib, 0x31)
    await driver().clone(clone, source)
    await bytes.write(await address(source), mib, mib, 0x32)
    await driver().clone(clone, source)
    expect(await bytes.has(await address(clone), mib, mib, 0x31)).toBe(true)
    await bytes.write(await address(clone), mib, mib, 0x33)
    expect(await bytes.has(await address(source), mib, mib, 0x32)).toBe(true)
    expect(await bytes.size(await address(clone))).toBe(2 * gib)
    await driver().delete(source)
    expect(await bytes.has(await address(clone), mib, mib, 0x33)).toBe(true)
    await driver().delete(clone)
  })

  test('copying from what is not there is not-found and leaves nothing', async () => {
    const volume = newVolume()
    await expect(driver().clone(volume, newVolume())).rejects.toMatchObject({ kind: 'not-found' })
    await expect(driver().createFromSnapshot(volume, newSnapshot(newVolume()))).rejects.toMatchObject({
      kind: 'not-found',
    })
    await expect(driver().snapshot(newSnapshot(newVolume()))).rejects.toMatchObject({ kind: 'not-found' })
    await expect(driver().connection(volume)).rejects.toMatchObject({ kind: 'not-found' })
  })
}

function describeAbilities({ contract, bytes, driver, address }: Kit): void {
  const { abilities } = contract
  test('the driver has the abilities it declares, and an address', () => {
    expect(driver().address).toBeTypeOf('function')
    for (const ability of ['revert', 'list', 'snapshotAddress'] as const) {
      expect({ [ability]: driver()[ability] !== undefined }).toEqual({ [ability]: abilities[ability] === true })
    }
  })

  if (abilities.revert)
    test('reverting brings the snapshot’s bytes back and keeps the size', async () => {
      const volume = newVolume()
      const snapshot = newSnapshot(volume)
      await driver().create(volume)
      await bytes.write(await address(volume), 0, mib, 0x41)
      await driver().snapshot(snapshot)
      await bytes.write(await address(volume), 0, mib, 0x42)
      await driver().extend(volume, 2)
      await driver().revert!(snapshot)
      await driver().revert!(snapshot)
      expect(await bytes.has(await address(volume), 0, mib, 0x41)).toBe(true)
      expect(await bytes.size(await address(volume))).toBe(2 * gib)
      await driver().deleteSnapshot(snapshot)
      await driver().delete(volume)
    })

  if (abilities.snapshotAddress)
    test('a snapshot’s bytes can be read in place', async () => {
      const volume = newVolume()
      const snapshot = newSnapshot(volume)
      await driver().create(volume)
      await bytes.write(await address(volume), 0, mib, 0x51)
      await driver().snapshot(snapshot)
      await bytes.write(await address(volume), 0, mib, 0x52)
      expect(await bytes.has(await driver().snapshotAddress!(snapshot), 0, mib, 0x51)).toBe(true)
      await driver().deleteSnapshot(snapshot)
      await driver().delete(volume)
    })

  if (abilities.list)
    test('the list shows what is there and nothing else', async () => {
      const volume = newVolume()
      const snapshot = newSnapshot(volume)
      await driver().create(volume)
      await driver().snapshot(snapshot)
      expect(await driver().list!()).toEqual({ volumes: [volume.name], snapshots: [snapshot.name] })
      await driver().deleteSnapshot(snapshot)
      await driver().delete(volume)
      expect(await driver().list!()).toEqual({ volumes: [], snapshots: [] })
    })
}

function describeTrouble({ contract, bytes, driver, address }: Kit): void {
  const count = contract.concurrency ?? 50
  test(`${count} volumes are created, cloned and deleted at once`, async () => {
    const source = newVolume()
    await driver().create(source)
    await bytes.write(await address(source), 0, mib, 0x61)
    const volumes = Array.from({ length: count }, () => newVolume())
    await Promise.all(volumes.map((volume, i) => (i % 2 ? driver().create(volume) : driver().clone(volume, source))))
    for (const [i, volume] of volumes.entries()) {
      expect(await bytes.has(await address(volume), 0, mib, i % 2 ? 0 : 0x61)).toBe(true)
    }
    await Promise.all([...volumes, source].map((volume) => driver().delete(volume)))
    if (driver().list) expect((await driver().list!()).volumes).toEqual([])
  })

  test('one volume created many times at once is one volume', async () => {
    const volume = newVolume()
    await Promise.all(Array.from({ length: 10 }, () => driver().create(volume)))
    expect(await bytes.size(await address(volume))).toBe(gib)
    await driver().delete(volume)
  })

  test('an aborted deed leaves nothing and succeeds when asked again', async () => {
    const [source, clone] = [newVolume(), newVolume()]
    await driver().create(source)
    const gone = AbortSignal.abort()
    await expect(driver().create(clone, gone)).rejects.toMatchObject({ kind: 'aborted' })
    await expect(driver().clone(clone, source, gone)).rejects.toMatchObject({ kind: 'aborted' })
    await expect(driver().connection(clone)).rejects.toMatchObject({ kind: 'not-found' })
    const aborter = new AbortController()
    const cloning = driver()
      .clone(clone, source, aborter.signal)
      .catch((error: unknown) => expect(error).toMatchObject({ kind: 'aborted' }))
    aborter.abort()
    await cloning
    await driver().clone(clone, source)
    expect(await bytes.size(await address(clone))).toBe(gib)
    await driver().delete(clone)
    await driver().delete(source)
  })

  const hostile = [
    '../volume-x',
    '/etc/volume-x',
    '.',
    '',
    '-rf',
    'volume-\n',
    'volume-x/y',
    `volume-${'x'.repeat(300)}`,
  ]
  test.each(hostile)('the hostile name %j is refused', async (name) => {
    const volume = { ...newVolume(), name }
    await expect(driver().create(volume)).rejects.toMatchObject({ kind: 'invalid' })
  })

  if (contract.openFull)
    test('a full backend says no-space and keeps nothing', async () => {
      const full = await contract.openFull!()
      const before = await full.list?.()
      await expect(full.create(newVolume())).rejects.toMatchObject({ kind: 'no-space' })
      expect(await full.list?.()).toEqual(before)
      await full.close?.()
    })
}
