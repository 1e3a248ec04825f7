import { expect, test } from 'vitest'
import type { Blocks, Extent } from '../src/index.ts'
import { gib, mib } from './bytes.ts'
import { newSnapshot, newVolume, type VolumeKit } from './volume-kit.ts'

/** Bytes that the driver itself reads and writes. */
export function describeVolumeBlocks({ contract, bytes, driver, address, expectBytes }: VolumeKit): void {
  const { abilities } = contract
  if (abilities.openVolume)
    test('a volume’s blocks are read, written, zeroed and told by extents', async () => {
      const volume = newVolume()
      await driver().create(volume)
      await bytes.write(await address(volume), 0, mib, 0x91)
      const blocks = await driver().openVolume!(volume, 'rw')
      try {
        expect(blocks.sizeBytes).toBe(gib)
        expect(await allOf(blocks, 0, mib)).toBe(0x91)
        await blocks.write(5 * mib, Buffer.alloc(3 * mib, 0x92))
        await blocks.write(gib - 4096, Buffer.alloc(4096, 0x93))
        await blocks.zero(6 * mib, mib)
        await blocks.flush()
        expect(await allOf(blocks, 6 * mib, mib)).toBe(0)
        expectExtents(await extentsOf(blocks), blocks.sizeBytes, [0, 5 * mib, 7 * mib, gib - 4096])
        await expect(blocks.read(gib - 100, Buffer.alloc(200))).rejects.toThrow()
        await expect(blocks.write(gib - 100, Buffer.alloc(200))).rejects.toThrow()
        await Promise.all(
          Array.from({ length: 16 }, (_, i) => blocks.write((16 + i) * mib, Buffer.alloc(mib, 0xa0 + i))),
        )
        await blocks.flush()
      } finally {
        await blocks.close()
      }
      const at = await address(volume)
      await expectBytes(
        [at, 0, mib, 0x91],
        [at, 5 * mib, mib, 0x92],
        [at, 6 * mib, mib, 0],
        [at, 7 * mib, mib, 0x92],
        [at, gib - 4096, 4096, 0x93],
        [at, 16 * mib, mib, 0xa0],
        [at, 31 * mib, mib, 0xaf],
      )
      await driver().delete(volume)
    })

  if (abilities.openVolume)
    test('blocks opened for reading refuse to be written; blocks of what is not there are not-found', async () => {
      const volume = newVolume()
      await driver().create(volume)
      const blocks = await driver().openVolume!(volume, 'r')
      try {
        await expect(blocks.write(0, Buffer.alloc(4096, 1))).rejects.toThrow()
        expect(await allOf(blocks, 0, 4096)).toBe(0)
      } finally {
        await blocks.close()
      }
      await driver().delete(volume)
      await expect(driver().openVolume!(volume, 'r')).rejects.toMatchObject({ kind: 'not-found' })
    })

  if (abilities.openSnapshot)
    test('a snapshot’s blocks are those of its moment', async () => {
      const volume = newVolume()
      const snapshot = newSnapshot(volume)
      await driver().create(volume)
      await bytes.write(await address(volume), 8 * mib, mib, 0x94)
      await driver().snapshot(snapshot)
      await bytes.write(await address(volume), 8 * mib, mib, 0x95)
      const blocks = await driver().openSnapshot!(snapshot)
      try {
        expect(blocks.sizeBytes).toBe(gib)
        expect(await allOf(blocks, 8 * mib, mib)).toBe(0x94)
        expectExtents(await extentsOf(blocks), gib, [8 * mib])
        await expect(blocks.write(0, Buffer.alloc(4096, 1))).rejects.toThrow()
      } finally {
        await blocks.close()
      }
      await driver().deleteSnapshot(snapshot)
      await driver().delete(volume)
    })
}

/** The value that all of the range's bytes have. */
async function allOf(blocks: Blocks, offset: number, length: number): Promise<number | 'several values'> {
  const into = Buffer.alloc(length, 0xee)
  await blocks.read(offset, into)
  return into.equals(Buffer.alloc(length, into[0])) ? into[0]! : 'several values'
}

async function extentsOf(blocks: Blocks): Promise<Extent[]> {
  const found: Extent[] = []
  for await (const extent of blocks.extents()) found.push(extent)
  return found
}

/** In order, apart, inside; and every offset of `written` is in one. */
function expectExtents(extents: Extent[], sizeBytes: number, written: number[]): void {
  let end = 0
  for (const { offset, length } of extents) {
    expect(offset).toBeGreaterThanOrEqual(end)
    expect(length).toBeGreaterThan(0)
    end = offset + length
  }
  expect(end).toBeLessThanOrEqual(sizeBytes)
  const covers = (at: number) => extents.some(({ offset, length }) => offset <= at && at < offset + length)
  expect(written.filter((offset) => !covers(offset))).toEqual([])
}
