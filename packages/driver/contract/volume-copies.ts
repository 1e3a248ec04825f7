import { expect, test } from 'vitest'
import { gib, mib } from './bytes.ts'
import { newSnapshot, newVolume, type VolumeKit } from './volume-kit.ts'

/** Snapshots, clones, and what depends on what. */
export function describeVolumeCopies(kit: VolumeKit): void {
  describeBytes(kit)
  describeDependence(kit)
}

function describeBytes({ bytes, driver, address, expectBytes }: VolumeKit): void {
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
    const [at, copied] = [await address(volume), await address(copy)]
    expect(await bytes.size(copied)).toBe(2 * gib)
    await expectBytes([copied, 0, mib, 0x21], [copied, gib, mib, 0], [at, 0, mib, 0x22])
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
    await expectBytes([await address(clone), mib, mib, 0x31])
    await bytes.write(await address(clone), mib, mib, 0x33)
    await expectBytes([await address(source), mib, mib, 0x32])
    expect(await bytes.size(await address(clone))).toBe(2 * gib)
    await driver().delete(source)
    await expectBytes([await address(clone), mib, mib, 0x33])
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

  test('a copy that would be smaller than its source is invalid and leaves nothing', async () => {
    const [source, clone] = [newVolume(2), newVolume(1)]
    await driver().create(source)
    await expect(driver().clone(clone, source)).rejects.toMatchObject({ kind: 'invalid' })
    await expect(driver().connection(clone)).rejects.toMatchObject({ kind: 'not-found' })
    await driver().delete(source)
  })
}

function describeDependence({ bytes, driver, address, expectBytes }: VolumeKit): void {
  const orBusy = async (work: Promise<unknown>): Promise<'done' | 'busy'> =>
    work.then(
      () => 'done' as const,
      (error: unknown) => {
        expect(error).toMatchObject({ kind: 'busy' })
        return 'busy' as const
      },
    )

  test('a snapshot outlives the delete of its volume, or the delete is busy', async () => {
    const [volume, copy] = [newVolume(), newVolume()]
    const snapshot = newSnapshot(volume)
    await driver().create(volume)
    await bytes.write(await address(volume), 0, mib, 0x24)
    await driver().snapshot(snapshot)
    if ((await orBusy(driver().delete(volume))) === 'busy') await expectBytes([await address(volume), 0, mib, 0x24])
    await driver().createFromSnapshot(copy, snapshot)
    await expectBytes([await address(copy), 0, mib, 0x24])
    await driver().delete(copy)
    await driver().deleteSnapshot(snapshot)
    await driver().delete(volume)
  })

  test('a volume outlives the delete of the snapshot it was made from, or the delete is busy', async () => {
    const [volume, copy] = [newVolume(), newVolume()]
    const snapshot = newSnapshot(volume)
    await driver().create(volume)
    await bytes.write(await address(volume), 0, mib, 0x25)
    await driver().snapshot(snapshot)
    await driver().createFromSnapshot(copy, snapshot)
    const first = await orBusy(driver().deleteSnapshot(snapshot))
    await expectBytes([await address(copy), 0, mib, 0x25])
    if (first === 'done') {
      await orBusy(driver().delete(volume))
      await expectBytes([await address(copy), 0, mib, 0x25])
    }
    await driver().delete(copy)
    await driver().deleteSnapshot(snapshot)
    await driver().delete(volume)
  })
}
