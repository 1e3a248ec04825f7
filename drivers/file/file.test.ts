import { link, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quietLog as log, openDriver, openRunner } from '@hearth/driver'
import { afterAll, describe, expect, test } from 'vitest'

const run = openRunner({ log })
const deps = { run, log }
const file = '@hearth/driver-file'
const isRoot = process.getuid?.() === 0
const mib = 1024 ** 2

const scratch = await mkdtemp(join(tmpdir(), 'hearth-file-test-'))
const mounted: string[] = []
afterAll(async () => {
  for (const folder of mounted.reverse()) await run(['umount', '--lazy', folder], { allow: [0, 1, 32] })
  await rm(scratch, { recursive: true, force: true })
})

let serial = 0
async function newFolder(): Promise<string> {
  const folder = join(scratch, `folder-${serial++}`)
  await mkdir(folder)
  return folder
}

/** A filesystem of its own, so that it can be filled. */
async function smallFilesystem(sizeMiB: number): Promise<string> {
  const folder = await newFolder()
  await run(['mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder])
  mounted.push(folder)
  return folder
}

const openVolume = (options: Record<string, unknown>) => openDriver('volume', file, options, deps)
const gone = { id: '1', name: 'volume-1', sizeGiB: 1 }

test('leftovers of a dead process are removed at the next open', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, '.part-volume-1.77.0'), 'half')
  const driver = await openVolume({ folder })
  await expect(stat(join(folder, '.part-volume-1.77.0'))).rejects.toThrow('ENOENT')
  expect(await driver.list?.()).toEqual({ volumes: [], snapshots: [] })
})

test('a copy that runs out of space says so and leaves nothing', { skip: !isRoot }, async () => {
  const folder = await smallFilesystem(64)
  const driver = await openVolume({ folder })
  await driver.create(gone)
  const { filename } = await driver.address!(gone)
  await run(['dd', 'if=/dev/urandom', `of=${filename}`, 'bs=1M', 'count=40', 'conv=notrunc'])
  const clone = driver.clone({ id: '2', name: 'volume-2', sizeGiB: 1 }, gone)
  await expect(clone).rejects.toMatchObject({ kind: 'no-space' })
  expect(await driver.list?.()).toEqual({ volumes: ['volume-1'], snapshots: [] })
  const { bavail, bsize } = await import('node:fs/promises').then((fs) => fs.statfs(folder))
  expect(bavail * bsize).toBeGreaterThan(20 * mib)
})

test('the reserve is kept free', async () => {
  const driver = await openVolume({ folder: await newFolder(), reservedPercentage: 100 })
  await expect(driver.create(gone)).rejects.toMatchObject({ kind: 'no-space' })
})

test('copies keep holes as holes', async () => {
  const folder = await newFolder()
  const driver = await openVolume({ folder })
  await driver.create(gone)
  await driver.clone({ id: '2', name: 'volume-2', sizeGiB: 2 }, gone)
  const { blocks, size } = await stat(join(folder, 'volume-2'))
  expect({ size, small: blocks < 100 }).toEqual({ size: 2 * 1024 ** 3, small: true })
})

test('an image location cannot lead out of the store', async () => {
  const folder = await newFolder()
  const store = await openDriver('image', file, { folder }, deps)
  await expect(store.get('file:///etc/passwd')).rejects.toMatchObject({ kind: 'not-found' })
  await expect(store.get('http://elsewhere/x')).rejects.toMatchObject({ kind: 'invalid' })
})

test('a folder that cannot be made is a clear error', async () => {
  const file = join(await newFolder(), 'a-file')
  await writeFile(file, '')
  await expect(openVolume({ folder: join(file, 'below') })).rejects.toThrow('ENOTDIR')
})

describe('adopting a file', () => {
  const volume = { id: '1', name: 'volume-1', sizeGiB: 1 }

  test('it gets a whole number of GiB', async () => {
    const folder = await newFolder()
    const driver = await openVolume({ folder })
    await writeFile(join(folder, 'disk.img'), 'some bytes')
    expect(await driver.manageable?.()).toEqual([{ kind: 'volume', name: 'disk.img', sizeGiB: 1 }])
    await driver.manage?.(volume, { name: 'disk.img' })
    expect((await stat(join(folder, 'volume-1'))).size).toBe(1024 ** 3)
    expect(await driver.list?.()).toEqual({ volumes: ['volume-1'], snapshots: [] })
  })

  test('a rename that a dead process began is finished', async () => {
    const folder = await newFolder()
    const driver = await openVolume({ folder })
    await writeFile(join(folder, 'disk.img'), 'some bytes')
    await link(join(folder, 'disk.img'), join(folder, 'volume-1'))
    await driver.manage?.(volume, { name: 'disk.img' })
    expect(await driver.list?.()).toEqual({ volumes: ['volume-1'], snapshots: [] })
  })

  test('another volume of that name is never overwritten, and nothing outside is reached', async () => {
    const folder = await newFolder()
    const driver = await openVolume({ folder })
    await driver.create(volume)
    await writeFile(join(folder, 'disk.img'), 'some bytes')
    await expect(driver.manage!(volume, { name: 'disk.img' })).rejects.toMatchObject({ kind: 'invalid' })
    await expect(driver.manage!(volume, { name: '../disk.img' })).rejects.toMatchObject({ kind: 'invalid' })
    expect((await driver.list!()).volumes).toEqual(['disk.img', 'volume-1'])
  })
})

test('a folder that was replaced by another is unavailable, not empty', async () => {
  const folder = await newFolder()
  const driver = await openVolume({ folder })
  await driver.create(gone)
  await rm(folder, { recursive: true })
  await mkdir(folder)
  await expect(driver.list!()).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(driver.delete(gone)).rejects.toMatchObject({ kind: 'unavailable' })
})
