import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { gib, mib } from './bytes.ts'
import { newSnapshot, newVolume, optionalMethods, type VolumeKit } from './volume-kit.ts'

/** Abilities that only some drivers have; the suite registers no tests for absent ones. */
export function describeVolumeAbilities(kit: VolumeKit): void {
  describeDeclared(kit)
  describeTaking(kit)
}

function describeDeclared({ contract, bytes, driver, address, expectBytes }: VolumeKit): void {
  const { abilities } = contract
  test('the driver has the abilities it declares, and an address', () => {
    expect(driver().address).toBeTypeOf('function')
    const present = Object.fromEntries(optionalMethods.map((method) => [method, driver()[method] !== undefined]))
    expect(present).toEqual(Object.fromEntries(optionalMethods.map((method) => [method, abilities[method] === true])))
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
      const at = await address(volume)
      expect(await bytes.size(at)).toBe(2 * gib)
      await expectBytes([at, 0, mib, 0x41])
      await bytes.write(at, 0, mib, 0x43)
      await driver().revert!(snapshot)
      await expectBytes([await address(volume), 0, mib, 0x41])
      await expect(driver().revert!(newSnapshot(volume))).rejects.toMatchObject({ kind: 'not-found' })
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
      await expectBytes([await driver().snapshotAddress!(snapshot), 0, mib, 0x51])
      await driver().deleteSnapshot(snapshot)
      await expect(driver().snapshotAddress!(snapshot)).rejects.toMatchObject({ kind: 'not-found' })
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

  if (abilities.cloneImage)
    test('an image that lies elsewhere is not cloned, and no volume is left', async () => {
      const volume = newVolume()
      const elsewhere = ['http://image.example/x', 'rbd://not-a-cluster/pool/image/snap', 'file:///etc/passwd', '', 'x']
      for (const locations of [[], ...elsewhere.map((location) => [location])]) {
        expect(await driver().cloneImage!(volume, { id: randomUUID(), diskFormat: 'raw', locations })).toBe(null)
      }
      await expect(driver().connection(volume)).rejects.toMatchObject({ kind: 'not-found' })
    })
}

function describeTaking({ contract, bytes, driver, address, expectBytes }: VolumeKit): void {
  const { abilities, foreign } = contract
  if (abilities.manage)
    test('a volume is taken over under another name with its bytes; what is not there is not-found', async () => {
      const [before, after] = [newVolume(), newVolume()]
      await driver().create(before)
      await bytes.write(await address(before), 0, mib, 0x44)
      await driver().manage!(after, { name: before.name })
      await driver().manage!(after, { name: before.name })
      const at = await address(after)
      expect(await bytes.size(at)).toBe(gib)
      await expectBytes([at, 0, mib, 0x44])
      await expect(driver().connection(before)).rejects.toMatchObject({ kind: 'not-found' })
      await expect(driver().manage!(newVolume(), { name: before.name })).rejects.toMatchObject({ kind: 'not-found' })
      await driver().delete(after)
    })

  if (abilities.manageable)
    test('what could be taken over is told with its kind and size', async () => {
      const volume = newVolume(2)
      const snapshot = newSnapshot(volume)
      await driver().create(volume)
      await driver().snapshot(snapshot)
      const found = await driver().manageable!()
      expect(found).toContainEqual(expect.objectContaining({ kind: 'volume', name: volume.name, sizeGiB: 2 }))
      await driver().deleteSnapshot(snapshot)
      await driver().delete(volume)
      expect((await driver().manageable!()).map(({ name }) => name)).not.toContain(volume.name)
    })

  if (foreign)
    test('a volume of the operator’s naming is told, and taken over', async () => {
      const name = `operator-${randomUUID().slice(0, 8)}`
      await foreign(name)
      const found = await driver().manageable!()
      expect(found).toContainEqual(expect.objectContaining({ kind: 'volume', name, sizeGiB: 1 }))
      const volume = newVolume()
      await driver().manage!(volume, { name })
      expect(await bytes.size(await address(volume))).toBe(gib)
      expect((await driver().manageable!()).map((object) => object.name)).not.toContain(name)
      await driver().delete(volume)
    })

  if (abilities.manageSnapshot)
    test('a snapshot is taken over under another name with its bytes', async () => {
      const [volume, copy] = [newVolume(), newVolume()]
      const [before, after] = [newSnapshot(volume), newSnapshot(volume)]
      await driver().create(volume)
      await bytes.write(await address(volume), 0, mib, 0x45)
      await driver().snapshot(before)
      await driver().manageSnapshot!(after, { name: before.name })
      await driver().manageSnapshot!(after, { name: before.name })
      await driver().createFromSnapshot(copy, after)
      await expectBytes([await address(copy), 0, mib, 0x45])
      const again = driver().manageSnapshot!(newSnapshot(volume), { name: before.name })
      await expect(again).rejects.toMatchObject({ kind: 'not-found' })
      await driver().delete(copy)
      await driver().deleteSnapshot(after)
      await driver().delete(volume)
    })
}
