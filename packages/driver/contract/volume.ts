import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VolumeDriver } from '../src/index.ts'
import { gib, hostRunner, mib, openProbe } from './bytes.ts'
import { type Listener, openListener } from './secrets.ts'
import { patience } from './time.ts'
import { describeVolumeAbilities } from './volume-abilities.ts'
import { describeVolumeBlocks } from './volume-blocks.ts'
import { describeVolumeCopies } from './volume-copies.ts'
import { describeInterruptions } from './volume-interruption.ts'
import { newSnapshot, newVolume, type VolumeContract, type VolumeKit } from './volume-kit.ts'
import { describeVolumeTrouble } from './volume-trouble.ts'

/** Registers the behaviour every volume driver must show; needs `address` to compare bytes. */
export function volumeContract(contract: VolumeContract): void {
  describe(`volume contract: ${contract.name}`, patience, () => {
    const listener = openListener()
    let driver: VolumeDriver
    beforeAll(async () => {
      driver = listener.heed(await contract.open(listener.log))
    }, patience.timeout)
    afterAll(async () => driver?.close?.(), patience.timeout)
    const bytes = openProbe(contract.run)
    const kit: VolumeKit = {
      contract,
      bytes,
      run: contract.run ?? hostRunner,
      driver: () => driver,
      address: (volume) => driver.address!(volume),
      async expectBytes(...ranges) {
        const asked = ranges.map(([address, offset, length, byte]) => ({ address, offset, length, byte }))
        const found = await bytes.hasAll(asked)
        expect(ranges.filter((_, i) => !found[i])).toEqual([])
      },
    }
    describeBasics(kit)
    describeVolumeCopies(kit)
    describeVolumeAbilities(kit)
    describeVolumeBlocks(kit)
    describeInterruptions(kit)
    describeVolumeTrouble(kit)
    if (contract.openBroken) describeBroken(contract, listener)

    test('at the end nothing is left, and no secret is in an error or in the log', async () => {
      if (driver.list) expect(await driver.list()).toEqual({ volumes: [], snapshots: [] })
      const said = listener.said()
      expect(said).not.toBe('')
      expect((contract.secrets ?? []).filter((secret) => said.includes(secret))).toEqual([])
    })
  })
}

function describeBasics({ contract, bytes, driver, address, expectBytes }: VolumeKit): void {
  test('a new volume has its size and reads as zeros', async () => {
    const volume = newVolume(2)
    await driver().create(volume)
    const at = await address(volume)
    expect(await bytes.size(at)).toBe(2 * gib)
    await expectBytes([at, 0, mib, 0], [at, 2 * gib - mib, mib, 0])
    await driver().delete(volume)
  })

  test('creating twice is creating once: bytes written between stay', async () => {
    const volume = newVolume()
    await driver().create(volume)
    await bytes.write(await address(volume), 4096, 4096, 0x5a)
    await driver().create(volume)
    await expectBytes([await address(volume), 4096, 4096, 0x5a])
    await driver().delete(volume)
  })

  test('deleting twice succeeds, and what never was as well', async () => {
    const volume = newVolume()
    await driver().create(volume)
    await driver().delete(volume)
    await driver().delete(volume)
    await driver().delete(newVolume())
    await driver().deleteSnapshot(newSnapshot(newVolume()))
    await expect(driver().connection(volume)).rejects.toMatchObject({ kind: 'not-found' })
    await expect(address(volume)).rejects.toMatchObject({ kind: 'not-found' })
  })

  test('a deleted volume’s bytes are not in a new one of its name', async () => {
    const volume = newVolume()
    await driver().create(volume)
    await bytes.write(await address(volume), 0, mib, 0x5b)
    await driver().delete(volume)
    await driver().create(volume)
    await expectBytes([await address(volume), 0, mib, 0])
    await driver().delete(volume)
  })

  test('extending keeps the bytes, adds zeros, never shrinks and may be repeated', async () => {
    const volume = newVolume()
    await driver().create(volume)
    await bytes.write(await address(volume), gib - 4096, 4096, 0x11)
    await driver().extend(volume, 3)
    await driver().extend(volume, 3)
    await driver().extend(volume, 2)
    const at = await address(volume)
    expect(await bytes.size(at)).toBe(3 * gib)
    await expectBytes([at, gib - 4096, 4096, 0x11], [at, gib, mib, 0], [at, 3 * gib - mib, mib, 0])
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
    expect(await driver().connection(volume)).toEqual(connection)
    await driver().delete(volume)
  })

  test('a size that is no whole number of GiB, one at least, is invalid', async () => {
    const volume = newVolume()
    await driver().create(volume)
    for (const sizeGiB of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(driver().create(newVolume(sizeGiB))).rejects.toMatchObject({ kind: 'invalid' })
      await expect(driver().extend(volume, sizeGiB)).rejects.toMatchObject({ kind: 'invalid' })
    }
    expect(await bytes.size(await address(volume))).toBe(gib)
    await driver().delete(volume)
  })

  const { maxSizeGiB } = contract
  if (maxSizeGiB)
    test(`a volume of ${maxSizeGiB} GiB is made, snapshotted and cloned`, async () => {
      const [volume, clone] = [newVolume(maxSizeGiB - 1), newVolume(maxSizeGiB)]
      await driver().create(volume)
      await driver().extend(volume, maxSizeGiB)
      const end = maxSizeGiB * gib - mib
      await bytes.write(await address(volume), end, mib, 0x12)
      await driver().clone(clone, volume)
      const at = await address(clone)
      expect(await bytes.size(at)).toBe(maxSizeGiB * gib)
      await expectBytes([at, 0, mib, 0], [at, end, mib, 0x12])
      await driver().delete(clone)
      await driver().delete(volume)
    })

  test('stats name every pool with capacities that make sense', async () => {
    const { vendorName, storageProtocol, pools } = await driver().stats()
    expect(vendorName).not.toBe('')
    expect(storageProtocol).not.toBe('')
    expect(pools.length).toBeGreaterThan(0)
    for (const { totalCapacityGb: total, freeCapacityGb: free } of pools) {
      if (typeof total === 'number' && typeof free === 'number') {
        expect(free).toBeGreaterThanOrEqual(0)
        expect(free).toBeLessThanOrEqual(total)
      }
    }
  })
}

/**
 * Methods that must not treat lost storage as empty: after "gone", a caller would delete the row of a volume that is
 * only unreachable.
 */
function describeBroken(contract: VolumeContract, listener: Listener): void {
  test('when the storage is gone every method says so as a DriverError, none that a volume is gone', async () => {
    const driver = listener.heed(await contract.openBroken!(listener.log))
    const [volume, other] = [newVolume(), newVolume()]
    const snapshot = newSnapshot(volume)
    const calls: Record<string, Promise<unknown> | undefined> = {
      stats: driver.stats(),
      create: driver.create(volume),
      delete: driver.delete(volume),
      extend: driver.extend(volume, 2),
      snapshot: driver.snapshot(snapshot),
      deleteSnapshot: driver.deleteSnapshot(snapshot),
      createFromSnapshot: driver.createFromSnapshot(other, snapshot),
      clone: driver.clone(other, volume),
      revert: driver.revert?.(snapshot),
      list: driver.list?.(),
      openVolume: driver.openVolume?.(volume, 'r'),
      openSnapshot: driver.openSnapshot?.(snapshot),
      manageable: driver.manageable?.(),
      manage: driver.manage?.(volume, { name: 'elsewhere' }),
    }
    const ends: Record<string, unknown> = {}
    for (const [method, call] of Object.entries(calls)) {
      if (call) ends[method] = call.then(() => 'success').catch((error: { kind?: string }) => error.kind ?? error)
    }
    for (const [method, end] of Object.entries(ends)) {
      expect([method, await end]).toEqual([method, expect.stringMatching(/^(unavailable|failed)$/)])
    }
    await driver.close?.()
  })
}
