import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openReserve } from './reserve.ts'

const folder = mkdtempSync(join(tmpdir(), 'reserve-'))
afterAll(() => rmSync(folder, { recursive: true }))
const mib = 1024 ** 2
const diskMiB = (() => {
  const { blocks, bsize } = statfsSync(folder)
  return (blocks * bsize) / mib
})()

async function* chunks(count: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n += 1) yield Buffer.alloc(mib)
}

test('the smaller of both bounds counts, and there is room above it', async () => {
  expect(await openReserve({ mib: diskMiB * 2, percent: 0 }).room(folder)).toBeGreaterThan(0)
  expect(await openReserve({ mib: 0, percent: 50 }).room(folder)).toBeGreaterThan(0)
  expect(await openReserve({ mib: diskMiB * 2, percent: 100 }).room(folder)).toBeLessThan(0)
})

test('data passes while there is room, and ends with no-space when the reserve is reached', async () => {
  let passed = 0
  for await (const chunk of openReserve({ mib: 0, percent: 0 }).within(folder, chunks(5))) passed += chunk.length
  expect(passed).toBe(5 * mib)
  const none = openReserve({ mib: diskMiB * 2, percent: 100 })
  await expect(none.within(folder, chunks(1)).next()).rejects.toMatchObject({ kind: 'no-space' })
  await expect(none.ensure(folder)).rejects.toMatchObject({ kind: 'no-space' })
})
