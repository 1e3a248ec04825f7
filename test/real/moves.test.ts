import { spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  type Blocks,
  bytesOf,
  copyBlocks,
  quietLog as log,
  openBlocks,
  openDriver,
  openRunner,
  type VolumeDriver,
} from '@hearth/driver'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LabCeph, startCeph } from '../lab/ceph.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3
const run = openRunner({ log })
const ref = (name: string) => ({ id: name, name: `volume-${name}`, sizeGiB: 1 })
/** Where the source has bytes: at its ends, in the middle, and not on the borders of any block. */
const islands = [
  [0, 3 * mib],
  [200 * mib + 512, 40 * mib + 1024],
  [gib - mib, mib],
] as const

let ceph: LabCeph
let folder: string
let files: VolumeDriver
let rbd: VolumeDriver
let source: Address

beforeAll(async () => {
  ceph = await startCeph()
  folder = await mkdtemp(join(tmpdir(), 'hearth-moves-'))
  files = await openDriver('volume', '@hearth/driver-file', { folder: join(folder, 'volumes') }, { run, log })
  rbd = await openDriver('volume', '@hearth/driver-rbd', { conf: ceph.conf, user: 'admin' }, { run, log })
  await files.create(ref('source'))
  source = await files.address!(ref('source'))
  const blocks = await openBlocks(source, { mode: 'rw' })
  for (const [offset, length] of islands) await blocks.write(offset, randomFillSync(Buffer.alloc(length)))
  await blocks.flush()
  await blocks.close()
})
afterAll(async () => {
  await rbd?.close?.()
  await ceph?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Whether qemu-img, which is not ours, finds the same bytes. */
async function isSame(one: Address, other: Address): Promise<boolean> {
  const formats = ['-f', one.format, '-F', other.format]
  const { exitCode } = await execa('qemu-img', ['compare', ...formats, one.filename, other.filename], { reject: false })
  return exitCode === 0
}

async function storedBytes(path: string): Promise<number> {
  return (await stat(path)).blocks * 512
}

test('a volume goes from a file to RBD, to qcow2 and to a file, with the same bytes and its holes', async () => {
  await rbd.create(ref('moved'))
  const onRbd = await rbd.address!(ref('moved'))
  const onQcow2: Address = { filename: join(folder, 'moved.qcow2'), format: 'qcow2' }
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', onQcow2.filename, String(gib)])
  await files.create(ref('back'))
  const opened = [
    await bytesOf(files, ref('source'), { mode: 'r' }),
    await bytesOf(rbd, ref('moved'), { mode: 'rw' }),
    await openBlocks(onQcow2, { mode: 'rw' }),
    await bytesOf(files, ref('back'), { mode: 'rw' }),
  ]
  for (const [index, from] of opened.slice(0, -1).entries()) {
    await copyBlocks(from, opened[index + 1]!, { targetIsZero: true })
  }
  for (const blocks of opened) await blocks.close()
  const onFile = await files.address!(ref('back'))
  expect(await Promise.all([onRbd, onQcow2, onFile].map((there) => isSame(source, there)))).toEqual([true, true, true])
  const data = islands.reduce((sum, [, length]) => sum + length, 0)
  expect(await storedBytes(onFile.filename)).toBeLessThan(data + mib)
  expect(await storedBytes(onQcow2.filename)).toBeLessThan(data + 2 * mib)
  const usage = JSON.parse(await ceph.command(['rbd', 'du', '--format', 'json', 'volumes/volume-moved']))
  // Objects are 4 MiB, and each island touches one more than it fills at most twice.
  expect(usage.images[0].used_size).toBeLessThan(data + islands.length * 8 * mib)
})

test('over other bytes a copy is exact too', async () => {
  await rbd.create(ref('dirty'))
  const target = await bytesOf(rbd, ref('dirty'), { mode: 'rw' })
  for (const at of [100 * mib, 205 * mib, 900 * mib]) await target.write(at, Buffer.alloc(5 * mib, 0xee))
  const from = await bytesOf(files, ref('source'), { mode: 'r' })
  await copyBlocks(from, target, { targetIsZero: false })
  await from.close()
  await target.close()
  expect(await isSame(source, await rbd.address!(ref('dirty')))).toBe(true)
})

test('a copy that is killed in the middle goes on from its checkpoint and ends with the same bytes', async () => {
  const address: Address = { filename: join(folder, 'killed.qcow2'), format: 'qcow2' }
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', address.filename, String(gib)])
  const checkpoint = join(folder, 'checkpoint')
  const script = `
    import { writeFileSync } from 'node:fs'
    import { copyBlocks, openBlocks } from ${JSON.stringify(import.meta.resolve('@hearth/driver'))}
    const source = await openBlocks(${JSON.stringify(source)}, { mode: 'r' })
    const target = await openBlocks(${JSON.stringify(address)}, { mode: 'rw' })
    const onProgress = async (offset) => {
      writeFileSync(${JSON.stringify(checkpoint)}, String(offset))
      if (offset > ${220 * mib}) await new Promise(() => setInterval(() => undefined, 1000))
    }
    await copyBlocks(source, target, { targetIsZero: true, inFlight: 2, progressBytes: ${2 * mib}, onProgress })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
  const reached = () => (existsSync(checkpoint) ? Number(readFileSync(checkpoint, 'utf8')) : 0)
  while (reached() <= 220 * mib) await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(reached()).toBeLessThan(gib)
  const from = await openBlocks(source, { mode: 'r' })
  const target = await openServed(address)
  const begun: number[] = []
  const watched: Blocks = {
    ...from,
    async read(offset, into) {
      begun.push(offset)
      await from.read(offset, into)
    },
  }
  await copyBlocks(watched, target, { targetIsZero: true, from: reached() })
  await from.close()
  await target.close()
  expect(Math.min(...begun)).toBeGreaterThanOrEqual(reached())
  expect(await isSame(source, address)).toBe(true)
})

/** The server of the killed process may hold the file's lock for another moment. */
async function openServed(address: Address): Promise<Blocks> {
  for (;;) {
    const opened = await openBlocks(address, { mode: 'rw' }).catch((error: Error) => error)
    if (!(opened instanceof Error)) return opened
    if (!/lock/.test(opened.message)) throw opened
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
