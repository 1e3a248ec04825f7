import { type FileHandle, open } from 'node:fs/promises'
import type { Blocks, Extent } from './blocks.ts'
import { DriverError, isDriverError } from './errors.ts'
import type { Runner } from './runner.ts'

/** Writing zeros to a shorter range is faster than starting a command. */
const leastPunch = 4 * 1024 ** 2
/** Bytes whose extents one command lists, so that a very fragmented file cannot overflow its output. */
const mapWindow = 64 * 1024 ** 3
const zeros = new Uint8Array(1024 ** 2)

interface OpenFile {
  path: string
  file: FileHandle
  sizeBytes: number
  run: Runner
  /** True after hole punching failed: a device, or a filesystem without holes. */
  solid: boolean
}

/** Opens a raw file or block device of this host. Throws DriverError. */
export async function openFileBlocks(path: string, mode: 'r' | 'rw', run: Runner): Promise<Blocks> {
  const file = await open(path, mode === 'r' ? 'r' : 'r+').catch(asDriverError)
  try {
    const stats = await file.stat()
    const sizeBytes = stats.isBlockDevice() ? await deviceSize(path, run) : stats.size
    return blocksOf({ path, file, sizeBytes, run, solid: stats.isBlockDevice() })
  } catch (error) {
    await file.close()
    throw error
  }
}

function blocksOf(opened: OpenFile): Blocks {
  const { file, sizeBytes } = opened
  return {
    sizeBytes,
    async read(offset, into) {
      checkRange(opened, offset, into.length)
      for (let done = 0; done < into.length; ) {
        const { bytesRead } = await file.read(into, done, into.length - done, offset + done).catch(asDriverError)
        if (bytesRead === 0) throw new DriverError('failed', `${opened.path} has shrunk while it was read`)
        done += bytesRead
      }
    },
    async write(offset, data) {
      checkRange(opened, offset, data.length)
      await writeAll(file, offset, data)
    },
    async zero(offset, length) {
      checkRange(opened, offset, length)
      if (length >= leastPunch && !opened.solid && (await punch(opened, offset, length))) return
      await writeZeros(file, offset, length)
    },
    flush: () => file.datasync().catch(asDriverError),
    extents: (signal) => extentsOf(opened, signal),
    close: () => file.close(),
  }
}

function checkRange({ path, sizeBytes }: OpenFile, offset: number, length: number): void {
  if (offset >= 0 && offset + length <= sizeBytes) return
  throw new DriverError('invalid', `${path} has ${sizeBytes} bytes: ${length} at ${offset} are not within`)
}

async function writeAll(file: FileHandle, offset: number, data: Uint8Array): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, offset + done).catch(asDriverError)
    done += bytesWritten
  }
}

/** Reads first: a range of zeros may be a hole, which a write would allocate. */
async function writeZeros(file: FileHandle, offset: number, length: number): Promise<void> {
  const present = Buffer.allocUnsafe(Math.min(zeros.length, length))
  for (let done = 0; done < length; done += zeros.length) {
    const wanted = zeros.subarray(0, Math.min(zeros.length, length - done))
    const { bytesRead } = await file.read(present, 0, wanted.length, offset + done).catch(asDriverError)
    if (Buffer.compare(present.subarray(0, bytesRead), wanted) !== 0) await writeAll(file, offset + done, wanted)
  }
}

async function punch(opened: OpenFile, offset: number, length: number): Promise<boolean> {
  const range = ['--offset', String(offset), '--length', String(length)]
  try {
    await opened.run(['fallocate', '--punch-hole', ...range, '--', opened.path])
  } catch (error) {
    if (!isDriverError(error)) throw error
    opened.solid = true
  }
  return !opened.solid
}

interface MapEntry {
  start: number
  length: number
  zero: boolean
}

async function* extentsOf(opened: OpenFile, signal?: AbortSignal): AsyncGenerator<Extent> {
  const { path, sizeBytes, run } = opened
  let last: Extent | undefined
  for (let start = 0; start < sizeBytes; start += mapWindow) {
    const window = [`--start-offset=${start}`, `--max-length=${Math.min(mapWindow, sizeBytes - start)}`]
    const argv = ['qemu-img', 'map', '--force-share', '-f', 'raw', '--output=json', ...window, '--', path]
    const { stdout } = await run(argv, signal ? { signal } : {})
    for (const { start: offset, length, zero } of JSON.parse(stdout) as MapEntry[]) {
      if (zero) continue
      if (last && last.offset + last.length === offset) last.length += length
      else {
        if (last) yield last
        last = { offset, length }
      }
    }
  }
  if (last) yield last
}

async function deviceSize(path: string, run: Runner): Promise<number> {
  return Number((await run(['blockdev', '--getsize64', path])).stdout)
}

function asDriverError(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT' || error.code === 'ENXIO') throw new DriverError('not-found', error.message, error)
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') throw new DriverError('no-space', error.message, error)
  throw new DriverError('failed', error.message, error)
}
