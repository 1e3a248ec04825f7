import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { blockSize, newBodyFile, openStage, readBody } from './bodies.ts'

test('readers that stop do not each keep a whole block, and read on where they stopped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bodies-'))
  await mkdir(join(folder, 'bodies', 'ab'), { recursive: true })
  const bytes = Buffer.alloc(blockSize, 'content ')
  const stage = await openStage(folder, newBodyFile('ab'.repeat(16)))
  await stage.write([bytes])
  await stage.finish()
  const sums = new Uint8Array(4)
  new DataView(sums.buffer).setUint32(0, crc32(bytes), true)
  const range = { file: stage.file, size: bytes.length, sums, start: 3, end: bytes.length }
  const readers = Array.from({ length: 40 }, () => readBody(folder, range))
  const firsts = await Promise.all(readers.map(async (reader) => (await reader.next()).value as Buffer))
  const kept = firsts.reduce((sum, first) => sum + first.buffer.byteLength, 0)
  expect(kept).toBeLessThan(18 * blockSize)
  for (const [index, reader] of readers.entries()) {
    const rest = await Array.fromAsync(reader)
    expect(Buffer.concat([firsts[index]!, ...rest]).equals(bytes.subarray(3))).toBe(true)
  }
  await rm(folder, { recursive: true })
})
