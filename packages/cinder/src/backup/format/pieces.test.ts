import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { type Blocks, openBlocks, openRunner } from '@hearth/driver'
import { expect, test } from 'vitest'
import { readPieces } from './pieces.ts'

const mib = 1024 ** 2
const chunkBytes = 8 * mib

test('a qcow2 volume is read in pieces with its bytes in place, and its holes are not read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-pieces-'))
  const filename = join(folder, 'volume.qcow2')
  await openRunner({ log: silentLog })(['qemu-img', 'create', '-q', '-f', 'qcow2', filename, '160M'])
  const volume = await openBlocks({ filename, format: 'qcow2' }, { mode: 'rw' })
  const data = Buffer.alloc(5 * mib, 0x3c)
  // Across the end of a piece, and at the very end.
  const places = [3 * mib, 14 * mib, 155 * mib]
  for (const at of places) await volume.write(at, data)
  const ranges: [number, number][] = []
  const source: Blocks = {
    ...volume,
    read(offset, into) {
      ranges.push([offset, offset + into.length])
      return volume.read(offset, into)
    },
  }
  const expected = Buffer.alloc(200 * mib)
  for (const at of places) expected.fill(data, at, at + data.length)
  let at = 0
  for await (const piece of readPieces({ source, length: expected.length }, chunkBytes)) {
    expect(piece.equals(expected.subarray(at, at + piece.length)), `piece at ${at}`).toBe(true)
    at += piece.length
  }
  expect(at).toBe(expected.length)
  expect(ranges.reduce((sum, [start, end]) => sum + end - start, 0)).toBe(places.length * data.length)
  await volume.close()
  await rm(folder, { recursive: true })
})
