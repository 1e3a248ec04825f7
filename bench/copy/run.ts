import { randomFillSync } from 'node:crypto'
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  type Blocks,
  copyBlocks,
  quietLog as log,
  openBlocks,
  openDriver,
  openRunner,
} from '@hearth/driver'
import { execa } from 'execa'

export interface CopyFlags {
  /** MiB. */
  size: number
  rounds: number
  folder?: string
  /** Path of a ceph.conf. */
  ceph?: string
}

interface Speeds {
  median: number
  /** MiB/s, in order. */
  all: number[]
}

export interface Measured {
  target: string
  ours: Speeds
  theirs: Speeds
  /** Ours by theirs, of the medians. */
  ratio: number
}

/** A place to copy into: made anew for each copy, which is not timed. */
interface Target {
  name: string
  make(): Promise<Address>
  open(address: Address): Promise<Blocks>
  remove(): Promise<void>
}

const mib = 1024 ** 2

/** Copies by turns, and yields the figures of one target after the other. */
export async function* compareCopies(flags: CopyFlags): AsyncGenerator<Measured> {
  const folder = await mkdtemp(join(flags.folder ?? tmpdir(), 'hearth-copy-'))
  try {
    const source = join(folder, 'source.raw')
    await makeSource(source, flags.size)
    const targets = [fileTarget('file', 'raw', folder, flags), fileTarget('qcow2', 'qcow2', folder, flags)]
    if (flags.ceph !== undefined) targets.push(await rbdTarget(flags.ceph, flags.size))
    for (const target of targets) yield await compare(source, target, flags)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function makeSource(path: string, sizeMiB: number): Promise<void> {
  await writeFile(path, '')
  await truncate(path, sizeMiB * mib)
  const file = await open(path, 'r+')
  const block = Buffer.alloc(mib)
  for (let at = 0; at < sizeMiB; at += 1) {
    const isHole = Math.floor((at * 8) / sizeMiB) % 4 === 3
    if (!isHole) await file.write(randomFillSync(block), 0, mib, at * mib)
  }
  await file.sync()
  await file.close()
}

async function compare(source: string, target: Target, { rounds, size }: CopyFlags): Promise<Measured> {
  const [ours, theirs]: [number[], number[]] = [[], []]
  const turn = async (copy: typeof copyByBlocks, speeds: number[]): Promise<void> => {
    const address = await target.make()
    const began = performance.now()
    await copy(source, address, target)
    speeds.push((size * 1000) / (performance.now() - began))
    await target.remove()
  }
  for (let round = 0; round < rounds; round += 1) {
    // The two alternate in being first in a round.
    const turns = [() => turn(copyByBlocks, ours), () => turn(copyByQemu, theirs)]
    for (const next of round % 2 === 0 ? turns : turns.reverse()) await next()
  }
  const [mine, other] = [speedsOf(ours), speedsOf(theirs)]
  return { target: target.name, ours: mine, theirs: other, ratio: mine.median / other.median }
}

function speedsOf(all: number[]): Speeds {
  return { median: all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!, all }
}

async function copyByBlocks(path: string, address: Address, target: Target): Promise<void> {
  const source = await openBlocks({ filename: path, format: 'raw' }, { mode: 'r' })
  const into = await target.open(address)
  await copyBlocks(source, into, { targetIsZero: true })
  await into.close()
  await source.close()
}

async function copyByQemu(path: string, address: Address): Promise<void> {
  const formats = ['-f', 'raw', '-O', address.format]
  await execa('qemu-img', ['convert', '-n', '--target-is-zero', '-t', 'writeback', ...formats, path, address.filename])
}

function fileTarget(name: string, format: 'raw' | 'qcow2', folder: string, { size }: CopyFlags): Target {
  const filename = join(folder, `target.${format}`)
  return {
    name,
    async make() {
      await execa('qemu-img', ['create', '-q', '-f', format, filename, `${size}M`])
      return { filename, format }
    },
    open: (address) => openBlocks(address, { mode: 'rw' }),
    remove: () => rm(filename),
  }
}

async function rbdTarget(confFile: string, sizeMiB: number): Promise<Target> {
  const options = { conf: confFile, pool: 'volumes', user: 'admin' }
  const driver = await openDriver('volume', '@hearth/driver-rbd', options, { run: openRunner({ log }), log })
  const volume = { id: 'bench', name: 'volume-bench-copy', sizeGiB: Math.ceil(sizeMiB / 1024) }
  return {
    name: 'rbd',
    async make() {
      await driver.create(volume)
      return driver.address!(volume)
    },
    open: () => driver.openVolume!(volume, 'rw'),
    remove: () => driver.delete(volume),
  }
}
