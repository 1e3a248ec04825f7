import { expect, test } from 'vitest'
import { isDriverError, type VolumeDriver, type VolumeRef } from '../src/index.ts'
import { gib, mib } from './bytes.ts'
import { openCanary, shellTraps } from './hostile.ts'
import { newSnapshot, newVolume, type VolumeKit } from './volume-kit.ts'

/** Many at once, names that would lead elsewhere, the end of space. */
export function describeVolumeTrouble(kit: VolumeKit): void {
  describeManyAtOnce(kit)
  describeHostileNames(kit)
  describeEndOfSpace(kit)
}

function describeManyAtOnce({ contract, bytes, driver, address, expectBytes }: VolumeKit): void {
  const { concurrency: count = 100, copies = Math.floor(count / 2) } = contract
  test(`${count} volumes and snapshots are created, cloned and deleted at once`, async () => {
    const source = newVolume()
    const origin = newSnapshot(source)
    await driver().create(source)
    await bytes.write(await address(source), 0, mib, 0x61)
    await driver().snapshot(origin)
    const plain = Math.ceil((count - copies) / 3)
    const make = (length: number) => Array.from({ length }, () => newVolume())
    const [victims, blanks] = [make(plain), make(plain)]
    const [clones, restored] = [make(Math.floor(copies / 2)), make(Math.ceil(copies / 2))]
    const snapshots = Array.from({ length: count - copies - 2 * plain }, () => newSnapshot(source))
    const all = (volumes: VolumeRef[], operation: (volume: VolumeRef) => Promise<unknown>) => volumes.map(operation)
    await Promise.all(all(victims, (volume) => driver().create(volume)))
    await Promise.all([
      ...all(victims, (volume) => driver().delete(volume)),
      ...all(blanks, (volume) => driver().create(volume)),
      ...all(clones, (volume) => driver().clone(volume, source)),
      ...all(restored, (volume) => driver().createFromSnapshot(volume, origin)),
      ...snapshots.map((snapshot) => driver().snapshot(snapshot)),
    ])
    const made = [...blanks, ...clones, ...restored]
    if (driver().list) {
      const found = await driver().list!()
      expect([...found.volumes].sort()).toEqual([source, ...made].map(({ name }) => name).sort())
      expect([...found.snapshots].sort()).toEqual([origin, ...snapshots].map(({ name }) => name).sort())
    }
    const addresses = await Promise.all(made.map(address))
    await expectBytes(...addresses.map((at, i) => [at, 0, mib, i < blanks.length ? 0 : 0x61] as const))
    await Promise.all(made.map((volume) => driver().delete(volume)))
    await Promise.all([origin, ...snapshots].map((snapshot) => driver().deleteSnapshot(snapshot)))
    await driver().delete(source)
    if (driver().list) expect(await driver().list!()).toEqual({ volumes: [], snapshots: [] })
  })

  test('one volume created many times at once is one volume; deleted many times at once it is gone', async () => {
    const volume = newVolume()
    await Promise.all(Array.from({ length: 10 }, () => driver().create(volume)))
    expect(await bytes.size(await address(volume))).toBe(gib)
    await Promise.all(Array.from({ length: 10 }, () => driver().delete(volume)))
    await expect(driver().connection(volume)).rejects.toMatchObject({ kind: 'not-found' })
  })
}

function describeHostileNames({ contract, run, driver }: VolumeKit): void {
  const hostile = [
    '../volume-x',
    '/etc/volume-x',
    '.',
    '..',
    '',
    '-rf',
    'volume-\n',
    'volume-\0',
    'volume-x/y',
    `volume-${'x'.repeat(300)}`,
  ]
  test.each(hostile)('the hostile name %j is refused', async (name) => {
    const volume = { ...newVolume(), name }
    await expect(driver().create(volume)).rejects.toMatchObject({ kind: 'invalid' })
    await expect(driver().snapshot({ ...newSnapshot(newVolume()), name })).rejects.toMatchObject({
      kind: expect.stringMatching(/^(invalid|not-found)$/),
    })
  })

  test('names and locations that a shell would run are refused or harmless, in every method', async () => {
    const canary = openCanary()
    const words = [...shellTraps('volume-x', canary), 'volume-ü', 'volume-💾', 'volume-%s%n', 'volume-*', 'volume-x y']
    const tried = await Promise.all(words.map((name) => attempts(driver(), { ...newVolume(), name })))
    const wrong = tried.flatMap((ends, i) =>
      ends.filter(([, end]) => !/^(success|invalid|not-found)$/.test(end)).map((end) => [words[i], ...end]),
    )
    expect(wrong).toEqual([])
    for (const providerLocation of shellTraps('server:/share', canary)) {
      const led = { ...newVolume(), providerLocation }
      const operations = [driver().connection(led), driver().extend(led, 2), driver().delete(led)]
      const ends = await Promise.allSettled(operations)
      const plain = ends.filter((end) => end.status === 'rejected' && !isDriverError(end.reason))
      expect([providerLocation, plain]).toEqual([providerLocation, []])
    }
    expect(await canary.sang(run)).toBe(false)
    if (contract.abilities.list) expect(await driver().list!()).toEqual({ volumes: [], snapshots: [] })
  })
}

/**
 * Results of each method that takes the volume: success, a DriverError's kind, or a plain error. Removes what the
 * method made.
 */
async function attempts(driver: VolumeDriver, volume: VolumeRef): Promise<[method: string, end: string][]> {
  const snapshot = { ...newSnapshot(volume), name: volume.name.replace('volume', 'snapshot') }
  const other = newVolume()
  const operations: Record<string, (() => Promise<unknown>) | undefined> = {
    create: () => driver.create(volume),
    extend: () => driver.extend(volume, 2),
    connection: () => driver.connection(volume),
    address: () => driver.address!(volume),
    clone: () => driver.clone(other, volume),
    snapshot: () => driver.snapshot(snapshot),
    createFromSnapshot: () => driver.createFromSnapshot(other, snapshot),
    revert: driver.revert && (() => driver.revert!(snapshot)),
    manage: driver.manage && (() => driver.manage!(other, { name: `${volume.name}-other` })),
    deleteOther: () => driver.delete(other),
    deleteSnapshot: () => driver.deleteSnapshot(snapshot),
    delete: () => driver.delete(volume),
  }
  const ends: [string, string][] = []
  for (const [method, operation] of Object.entries(operations)) {
    if (!operation) continue
    const end = await operation().then(
      () => 'success',
      (error: { kind?: string }) => error.kind ?? 'plain error',
    )
    ends.push([method, end])
  }
  return ends
}

function describeEndOfSpace({ contract }: VolumeKit): void {
  if (contract.openFull)
    test('a full backend says no-space, keeps nothing, and goes on answering', async () => {
      const full = await contract.openFull!()
      const before = await full.list?.()
      for (let time = 0; time < 2; time += 1) {
        await expect(full.create(newVolume())).rejects.toMatchObject({ kind: 'no-space' })
      }
      const many = await Promise.allSettled(Array.from({ length: 10 }, () => full.create(newVolume())))
      expect(many.map((end) => end.status === 'rejected' && end.reason.kind)).toEqual(many.map(() => 'no-space'))
      expect(await full.list?.()).toEqual(before)
      await full.delete(newVolume())
      await full.stats()
      await full.close?.()
    })
}
