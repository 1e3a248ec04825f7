import { mkdtemp, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quietLog as log, openDriver, openRunner } from '@hearth/driver'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { prepareFolder, releaseFolder } from './loop.ts'

const run = openRunner({ log })
const isRoot = process.getuid?.() === 0
const gib = 1024 ** 3

let scratch = ''
let folder = ''
let imageFile = ''

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'hearth loop-'))
  folder = join(scratch, 'volumes')
  imageFile = join(scratch, 'volumes.xfs')
})
afterEach(async () => {
  await run(['umount', '--lazy', folder], { allow: [0, 1, 32] })
  await rm(scratch, { recursive: true, force: true })
})

test('without root the folder works without reflink, and says why', async () => {
  const prepared = await prepareFolder({ folder, imageFile, run, root: false })
  if (prepared.reflink) return
  expect(prepared).toMatchObject({ mounted: false, reason: expect.stringContaining('only root') })
  expect(await readdir(scratch)).toEqual(['volumes'])
})

describe.runIf(isRoot)('as root', () => {
  const prepare = (sizeGiB: number) => prepareFolder({ folder, imageFile, sizeBytes: sizeGiB * gib, run })

  test('an XFS image is made, mounted and given back; everything may be repeated', async () => {
    expect(await prepare(1)).toEqual({ reflink: true, mounted: true })
    expect(await prepare(1)).toEqual({ reflink: true, mounted: true })
    await writeFile(join(folder, 'volume-1'), 'kept')
    await releaseFolder({ folder, run })
    expect(await readdir(folder)).toEqual([])
    expect(await prepare(1)).toEqual({ reflink: true, mounted: true })
    expect(await readdir(folder)).toEqual(['volume-1'])
    expect((await stat(imageFile)).mode & 0o777).toBe(0o600)
  })

  test('a loop device left without a mount is used again', async () => {
    await prepare(1)
    await releaseFolder({ folder, run })
    const device = (await run(['losetup', '--find', '--show', imageFile])).stdout.trim()
    expect(await prepare(1)).toEqual({ reflink: true, mounted: true })
    const { stdout } = await run(['losetup', '--associated', imageFile, '--output', 'NAME', '--noheadings'])
    expect(stdout.trim()).toBe(device)
    await releaseFolder({ folder, run })
    await run(['losetup', '--detach', device], { allow: [0, 1] })
  })

  test('a greater size grows the filesystem while it is mounted, a smaller one changes nothing', async () => {
    await prepare(1)
    await prepare(3)
    const { blocks, bsize } = await statfs(folder)
    expect(blocks * bsize).toBeGreaterThan(2.8 * gib)
    await releaseFolder({ folder, run })
    await prepare(1)
    expect((await stat(imageFile)).size).toBe(3 * gib)
  })

  test('volumes already in the folder are never hidden by a mount', async () => {
    await prepareFolder({ folder, imageFile, run, root: false })
    await writeFile(join(folder, 'volume-1'), 'kept')
    expect(await prepare(1)).toMatchObject({ mounted: false, reason: expect.stringContaining('hide') })
  })

  test('an image that cannot be mounted is an error, not an empty pool', async () => {
    await prepare(1)
    await releaseFolder({ folder, run })
    await expect(prepareFolder({ folder, imageFile, run, root: false })).rejects.toThrow(/only root can mount/)
    await writeFile(imageFile, 'not a filesystem')
    await expect(prepare(1)).rejects.toMatchObject({ kind: 'unavailable' })
  })

  test('200 clones of a 2 GiB volume cost metadata only', async () => {
    const options = { folder, imageFile, imageSizeGiB: 8 }
    const driver = await openDriver('volume', '@hearth/driver-file', options, { run, log })
    const source = { id: '0', name: 'volume-0', sizeGiB: 2 }
    await driver.create(source)
    await run(['dd', 'if=/dev/urandom', `of=${join(folder, 'volume-0')}`, 'bs=1M', 'count=64', 'conv=notrunc,fsync'])
    const began = performance.now()
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => driver.clone({ id: `${i}`, name: `volume-c${i}`, sizeGiB: 2 }, source)),
    )
    const milliseconds = Math.round(performance.now() - began)
    console.info(`200 durable clones of a 2 GiB volume: ${milliseconds} ms`)
    const { blocks, bfree, bsize } = await statfs(folder)
    expect((blocks - bfree) * bsize).toBeLessThan(0.3 * gib)
    expect(milliseconds).toBeLessThan(5000)
    await driver.close?.()
  })
})
